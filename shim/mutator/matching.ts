/**
 * Which sites of a bundle lie in which module of a process.
 *
 * A module is the one that a site names if it has its path or is the same build (where builds have
 * no ids: the same file). A library that is loaded more than once is probed everywhere.
 */
import { statSync } from "node:fs";
import { TargetError } from "../../base/target-error.js";
import type { BundleModule, BundleSite } from "../../wasm-runtime/bundle.js";
import { absoluteSite } from "./absolute.js";
import { livePath } from "./maps.js";
import type { Module } from "./process.js";
import type { RunnableBundle } from "./runnable.js";

/** Sites of a bundle with the probes they belong to. */
export interface ProbedSite {
  readonly probe: number;
  readonly site: BundleSite;
}

/** Sites of one file. */
export interface SiteGroup {
  readonly name: BundleModule;
  readonly sites: ProbedSite[];
}

const groups = new WeakMap<RunnableBundle, readonly SiteGroup[]>();

/** All places in code that a bundle wants to probe, by the file they are in. */
export function sitesOf(bundle: RunnableBundle): readonly SiteGroup[] {
  const found = groups.get(bundle) ?? groupByModule(bundleSites(bundle));
  groups.set(bundle, found);
  return found;
}

function bundleSites({ meta }: RunnableBundle): ProbedSite[] {
  return meta.probes.flatMap(({ point }, probe) =>
    point.kind === "site" ? [{ probe, site: point }] : [],
  );
}

/** The addresses of process `pid` that a bundle wants to probe, as places in `modules`. */
export function absoluteSites(
  { meta }: RunnableBundle,
  pid: number,
  modules: readonly Module[],
): SiteGroup[] {
  const sites = meta.probes.flatMap(({ point }, probe) =>
    point.kind === "absolute" && point.pid === pid
      ? [{ probe, site: absoluteSite(point, modules) }]
      : [],
  );
  return groupByModule(sites);
}

function groupByModule(sites: readonly ProbedSite[]): SiteGroup[] {
  const found = new Map<string, SiteGroup>();
  for (const probed of sites) {
    const { module: path, buildId } = probed.site;
    const group = found.get(path) ?? { name: { path, buildId }, sites: [] };
    group.sites.push(probed);
    found.set(path, group);
  }
  return [...found.values()];
}

/** Sites by module, and those of no module. Throws TargetError for another build of a module. */
export function matchModules(
  pid: number,
  modules: readonly Module[],
  sites: readonly SiteGroup[],
): { readonly found: ReadonlyMap<Module, ProbedSite[]>; readonly missing: readonly ProbedSite[] } {
  const found = new Map<Module, ProbedSite[]>();
  const missing: ProbedSite[] = [];
  for (const { name, sites: list } of sites) {
    const inode = inodeOf(name.path);
    const hosts = modules.filter((module) => isNamed(module, name, inode));
    if (hosts.length === 0) for (const probed of list) missing.push(probed);
    for (const module of hosts) {
      checkBuild(pid, module, name);
      found.set(module, [...(found.get(module) ?? []), ...list]);
    }
  }
  return { found, missing };
}

/** The first module that `name` names. Throws TargetError if it is another build. */
export function findModule(
  pid: number,
  modules: readonly Module[],
  name: BundleModule,
): Module | null {
  const inode = inodeOf(name.path);
  const module = modules.find((each) => isNamed(each, name, inode));
  if (module === undefined) return null;
  checkBuild(pid, module, name);
  return module;
}

/** `inode` is that of the file that has the name here, 0 if there is none. */
function isNamed({ path, file, image }: Module, name: BundleModule, inode: number): boolean {
  if (livePath(path) === name.path) return true;
  if (name.buildId !== null) return image.buildId === name.buildId;
  return inode !== 0 && file.inode === inode;
}

function checkBuild(pid: number, { image }: Module, { path, buildId }: BundleModule): void {
  if (buildId === null || image.buildId === buildId) return;
  throw new TargetError(
    `the script was compiled for another build of ${path}: build-id ${buildId}, process ${pid} has ${image.buildId ?? "none"}`,
    { operation: "find module", subject: path },
  );
}

function inodeOf(path: string): number {
  try {
    return statSync(path).ino;
  } catch {
    return 0;
  }
}
