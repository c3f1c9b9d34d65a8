/** Texts of --help and --version. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../base/root.js";
import { LANGUAGE_VERSION } from "./options.js";

/** Text of --help. */
export const HELP = `Usage: wastap [options] FILE [ARGS]      run the script, or the bundle, in FILE
   or: wastap [options] - [ARGS]         run the script on standard input
   or: wastap [options] -e SCRIPT [ARGS] run the given script
   or: wastap [options] -l PROBE         list matching probes
   or: wastap [options] -L PROBE         list matching probes with their variables
   or: wastap --dump-probe-types | --dump-probe-aliases | --dump-functions
   or: wastap --example NAME             run an example
   or: wastap -i [options] [FILE [ARGS]] build a script and run it, command by command

Options, as in stap(1); those in $SYSTEMTAP_DIR/rc (~/.systemtap/rc) come first:
   --         end of options, script arguments follow
   -h --help  this text
   -V --version
   -p NUM     stop after pass NUM: 1 parse, 2 elaborate, 3 translate, 4 write bundle, 5 run
   -v         say more about all passes
   --vp {N}+  say more about each pass, e.g. --vp 01003
   -k         keep the bundle in a temporary directory; --tmpdir=DIR: in DIR, also control files
   -u         keep unused code
   -w         no warnings
   -W         warnings are errors
   -g         guru mode
   -s MB      size of the output buffers, default 256
   -I DIR     look for tapsets in DIR, too
   -D NM=VAL  set a limit: MAXSTRINGLEN, MAXACTION, MAXMAPENTRIES, MAXERRORS, MAXSKIPPED,
              MAXTRYLOCK, MAXNESTING
   -G VAR=VAL set a scalar global variable
   -m NAME    name of the bundle that -p4 writes: NAME.wasm
   -o FILE    write output to FILE, not to standard output; strftime(3) formats are replaced
   -F         go on in the background, and print the pid; without -o the newest -s megabytes of
              output are kept in memory for --attach
  --attach=NAME              print what the session NAME in the background keeps; Ctrl-C ends it
   -S MB[,N]  begin a new output FILE.0, FILE.1, … after MB megabytes; keep the last N
   -E SCRIPT  also compile SCRIPT (may be repeated)
   -c CMD     start CMD, trace it, and end with it
   -x PID     trace the running process PID
   -d FILE    use the symbols of FILE in backtraces (those of all loaded files are used anyway)
   -T SECONDS end the session after that time
   -t        tell at the end how often each probe ran and how long it took
   -q         count in a data base what of the tapsets is used
   -i         read commands that build a script and run it, help for a list
   --language-server          answer an editor on standard input and output (JSON-RPC)
   --monitor[=SECONDS]        show the session on the terminal, h for help
   --dump=NAME                print an artefact: parse, elaborate, ir, wasm, x64, plan
   --allow-breakpoints        use int3 where no jump fits (slow; see the manual)
   --sysroot=DIR              programs, libraries and debug files lie below DIR, which bundles do
              not name; --sysenv=VAR=VALUE: PATH or LD_LIBRARY_PATH there
   --skip-badvars             unknown $variables are 0
   --suppress-handler-errors  errors in handlers do not end the session
   --suppress-time-limits     no limit on statements in a handler (with -g)
   --no-global-var-display    do not print unread globals at the end
   --semantic-keep-going      also list all semantic errors, one a line, for programs
   --compatible=VERSION       behave like SystemTap VERSION
   --disable-cache            neither read nor write the cache of bundles
   --poison-cache             write it, do not read it
   --clean-cache              empty it
   --color[=WHEN]             auto, always or never

Options for the kernel, for compile servers and for remote hosts are accepted with a warning where
they can be ignored, and refused where they cannot.

Exit status: 0 done; 1 the script, an option, the target or a handler failed, a listing found
nothing, or a third interrupt ended it at once; 70 a defect of wastap itself.
`;

/** Version of the package. */
export function packageVersion(): string {
  const text = readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Text of --version. */
export function versionText(): string {
  const build = `${process.platform}-${process.arch}, Node ${process.version}`;
  return `wastap ${packageVersion()} (SystemTap language ${LANGUAGE_VERSION}, ${build})\n`;
}
