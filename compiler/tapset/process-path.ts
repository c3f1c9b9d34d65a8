/** Tapset files of one program, PATH/usr/bin/x.stp: `process` without path means /usr/bin/x. */
import { newNodeId, type ProbeComponent, type ProbePoint, type Script } from "../syntax/ast.js";

/** `script` with `path` in every `process` component that has no argument. */
export function withProcessPath(script: Script, path: string): Script {
  const complete = (component: ProbeComponent): ProbeComponent => {
    if (component.name !== "process" || component.argument !== null) return component;
    const { span } = component;
    return { ...component, argument: { kind: "string", id: newNodeId(), span, value: path } };
  };
  const completePoint = (point: ProbePoint): ProbePoint => ({
    ...point,
    components: point.components.map(complete),
  });
  return {
    ...script,
    aliases: script.aliases.map((alias) => ({ ...alias, points: alias.points.map(completePoint) })),
    probes: script.probes.map((probe) => ({ ...probe, points: probe.points.map(completePoint) })),
  };
}
