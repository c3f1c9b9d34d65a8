/** Texts of --help and --version. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../base/root.js";

/** Text of --help. */
export const HELP = `Usage: wastap [options] FILE [ARGS]      run the script, or the bundle, in FILE
   or: wastap [options] - [ARGS]         run the script on standard input
   or: wastap [options] -e SCRIPT [ARGS] run the given script

Options (as in stap(1)):
   -c CMD     start CMD, trace it, and end with it
   -x PID     trace the running process PID
   -o FILE    write output to FILE, not to standard output
   -v         say what happens in each pass; more of them say more
   -p NUM     stop after pass NUM: 1 parse, 2 elaborate, 3 generate, 4 write bundle, 5 run
   -m NAME    name of the bundle that -p4 writes: NAME.wasm
   -G VAR=VAL set a scalar global variable
   -D NM=VAL  set a limit: MAXSTRINGLEN, MAXACTION, MAXMAPENTRIES, MAXERRORS, MAXSKIPPED,
              MAXTRYLOCK, MAXNESTING
   -d FILE    also use the symbols of FILE in backtraces (no effect yet)
   -I DIR     look for tapsets in DIR, too
   -E SCRIPT  also compile SCRIPT (may be repeated)
   -s MB      size of the output buffers, default 256
   -T SECONDS end the session after that time
   -g         guru mode          -u  keep unused code
   -w         no warnings        -W  warnings are errors
   -h, --help      this text     -V, --version  version
   --dump=NAME     print an artefact: parse, elaborate, ir, wasm, x64, plan
   --allow-breakpoints        use int3 where no jump fits (slow; see the manual)
   --skip-badvars             unknown $variables are 0
   --suppress-handler-errors  errors in handlers do not end the session
   --suppress-time-limits     no limit on statements in a handler (with -g)
   --no-global-var-display    do not print unread globals at the end
   --compatible=VERSION       behave like SystemTap VERSION
   --color=WHEN               auto, always or never

Exit status: 0 done; 1 the script, an option, the target or a handler failed;
70 a defect of wastap itself; 130 a third interrupt ended it at once.
`;

/** Text of --version. */
export function versionText(): string {
  const text = readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return `wastap ${version} (SystemTap language 5.6, ${process.platform}-${process.arch}, Node ${process.version})\n`;
}
