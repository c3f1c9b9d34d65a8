/**
 * netfilter.hook("HOOK").pf("FAMILY")[.priority("P")]: packets in the kernel. Checked as SystemTap
 * checks them; they cannot be run. Names and numbers: linux/netfilter.h, linux/netfilter_*.h.
 */
import type { ProbePoint, TargetSymbol } from "../syntax/ast.js";
import { checkPlain } from "./plain-target.js";
import { stringArgument } from "./point.js";
import { ResolutionError } from "./report.js";
import { unresolvedVar } from "./session-points.js";
import type { FamilyContext, FamilyTable, Site, TargetScope } from "./site.js";

/** The families of packets. */
export const NETFILTER_FAMILIES: FamilyTable = [
  "netfilter.hook(string).pf(string)",
  "netfilter.hook(string).pf(string).priority(string)",
  "netfilter.pf(string).hook(string)",
  "netfilter.pf(string).hook(string).priority(string)",
].map((pattern): FamilyTable[number] => [pattern, netfilterSites]);

interface ProtocolFamily {
  readonly number: number;
  readonly hooks: readonly string[];
  readonly priorities: readonly string[];
}

const INET_HOOKS = ["PRE_ROUTING", "LOCAL_IN", "FORWARD", "LOCAL_OUT", "POST_ROUTING"];
const IP_PRIORITIES = [
  "FIRST",
  "CONNTRACK_DEFRAG",
  "RAW",
  "SELINUX_FIRST",
  "CONNTRACK",
  "MANGLE",
  "NAT_DST",
  "FILTER",
  "SECURITY",
  "NAT_SRC",
  "SELINUX_LAST",
  "CONNTRACK_CONFIRM",
  "LAST",
];

const FAMILIES: { readonly [name: string]: ProtocolFamily } = {
  NFPROTO_IPV4: {
    number: 2,
    hooks: [...prefixed("NF_INET_", INET_HOOKS), ...prefixed("NF_IP_", INET_HOOKS)],
    priorities: prefixed("NF_IP_PRI_", IP_PRIORITIES),
  },
  NFPROTO_IPV6: {
    number: 10,
    hooks: prefixed("NF_IP6_", INET_HOOKS),
    priorities: prefixed("NF_IP6_PRI_", IP_PRIORITIES),
  },
  NFPROTO_ARP: {
    number: 3,
    hooks: prefixed("NF_ARP_", ["IN", "OUT", "FORWARD"]),
    priorities: [],
  },
  NFPROTO_BRIDGE: {
    number: 7,
    hooks: prefixed("NF_BR_", INET_HOOKS),
    priorities: prefixed("NF_BR_PRI_", [
      "FIRST",
      "NAT_DST_BRIDGED",
      "FILTER_BRIDGED",
      "BRNF",
      "NAT_DST_OTHER",
      "FILTER_OTHER",
      "NAT_SRC",
      "LAST",
    ]),
  },
};

function prefixed(prefix: string, names: readonly string[]): string[] {
  return names.map((name) => prefix + name);
}

function netfilterSites(point: ProbePoint, { context }: FamilyContext): Site[] {
  if (!context.options.guru) checkNames(point);
  return [
    {
      point,
      type: "netfilter",
      place: { kind: "unsupported", feature: "packets in the kernel" },
      isReturn: false,
      targets: packetTargets(context.options.guru),
      condition: null,
    },
  ];
}

function checkNames(point: ProbePoint): void {
  const pf = stringArgument(point, "pf") ?? "";
  const family = Object.hasOwn(FAMILIES, pf) ? FAMILIES[pf] : undefined;
  if (family === undefined) throw unsupported(`protocol family "${pf}"`);
  const of = `for protocol family "${family.number}"`;
  const hook = stringArgument(point, "hook") ?? "";
  if (!family.hooks.includes(hook)) throw unsupported(`hook "${hook}" ${of}`);
  const priority = stringArgument(point, "priority") ?? "0";
  if (/^-?\d+$/.test(priority) || family.priorities.includes(priority)) return;
  throw unsupported(`priority "${priority}" ${of}`);
}

function unsupported(what: string): ResolutionError {
  return new ResolutionError("netfilter-name", `unsupported netfilter ${what}; need stap -g`);
}

const VARIABLES: readonly string[] = ["$skb", "$in", "$out", "$okfn", "$hooknum", "$verdict"];

function packetTargets(guru: boolean): TargetScope {
  return {
    resolve: (symbol: TargetSymbol) => {
      if (symbol.atVar) throw unresolvedVar(symbol);
      const { name } = symbol;
      if (!VARIABLES.includes(name)) {
        throw new ResolutionError("unresolved-target", "unsupported context variable", symbol);
      }
      if (name === "$verdict" && !guru) {
        const message = "write to netfilter verdict requires guru mode; need stap -g";
        throw new ResolutionError("unresolved-target", message, symbol);
      }
      checkPlain(symbol, "netfilter");
      const location = { kind: "constant", value: 0n } as const;
      return { type: "long", location, isWritable: name === "$verdict" };
    },
  };
}
