/** Probe points as values: their components, arguments and text. */
import { newNodeId, type ProbeComponent, type ProbePoint } from "../syntax/ast.js";
import { showString } from "../syntax/strings.js";

/** Kind of argument of a component, as point patterns write it. */
export type ArgumentKind = "" | "(string)" | "(number)";

/** Kind of the argument of `component`. */
export function argumentKind(component: ProbeComponent): ArgumentKind {
  if (component.argument === null) return "";
  return component.argument.kind === "string" ? "(string)" : "(number)";
}

/** The component called `name`, or null. */
export function findComponent(point: ProbePoint, name: string): ProbeComponent | null {
  return point.components.find((component) => component.name === name) ?? null;
}

/** String argument of component `name`, or null. */
export function stringArgument(point: ProbePoint, name: string): string | null {
  const argument = findComponent(point, name)?.argument;
  return argument?.kind === "string" ? argument.value : null;
}

/** Number argument of component `name`, or null. */
export function numberArgument(point: ProbePoint, name: string): bigint | null {
  const argument = findComponent(point, name)?.argument;
  return argument?.kind === "number" ? argument.value : null;
}

/** True if some component is called `name`. */
export function hasComponent(point: ProbePoint, name: string): boolean {
  return findComponent(point, name) !== null;
}

/** `point` with the string arguments of some components replaced. */
export function withArguments(
  point: ProbePoint,
  values: { readonly [component: string]: string },
): ProbePoint {
  return withComponents(
    point,
    point.components.map((component) => {
      const value = Object.hasOwn(values, component.name) ? values[component.name] : undefined;
      if (value === undefined) return component;
      const argument = { kind: "string", id: newNodeId(), span: component.span, value } as const;
      return { ...component, id: newNodeId(), argument };
    }),
  );
}

/** `point` with other components. */
export function withComponents(
  point: ProbePoint,
  components: readonly ProbeComponent[],
): ProbePoint {
  return { ...point, id: newNodeId(), components };
}

/** "!" behind a sufficient point, "?" behind an optional one. */
export function showMark({ sufficient, optional }: ProbePoint): string {
  if (sufficient) return "!";
  return optional ? "?" : "";
}

/** Text of a point without marks and condition. Addresses are hexadecimal. */
export function showComponents(point: ProbePoint): string {
  return point.components.map(showComponent).join(".");
}

function showComponent(component: ProbeComponent): string {
  const { name, argument } = component;
  if (argument === null) return name;
  if (argument.kind === "string") return `${name}(${showString(argument.value)})`;
  const isAddress = name === "function" || name === "statement";
  return isAddress ? `${name}(0x${argument.value.toString(16)})` : `${name}(${argument.value})`;
}
