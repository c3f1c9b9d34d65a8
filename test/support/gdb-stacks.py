# Run by gdb: stops at addresses of a program and writes the call chain of each stop, one line of
# MODULE+OFFSET words, without the frames that gdb adds for inlined functions and tail calls.
# Takes from the environment: OFFSETS, of the program, in hexadecimal; OUTPUT, a file.
import os

import gdb

for command in (
    "set pagination off",
    "set confirm off",
    "set startup-with-shell off",
    "set debuginfod enabled off",
    "set backtrace past-main on",
    "set backtrace past-entry on",
    "set backtrace limit 64",
    "set print thread-events off",
    "handle all nostop noprint pass",
    "handle SIGTRAP SIGINT stop nopass",
):
    gdb.execute(command, to_string=True)

output = open(os.environ["OUTPUT"], "w")


def modules():
    """[start, end, path] of every mapping, start being that of the whole file."""
    starts = {}
    found = []
    with open("/proc/%d/maps" % gdb.selected_inferior().pid) as maps:
        for line in maps:
            words = line.split(None, 5)
            low, high = (int(part, 16) for part in words[0].split("-"))
            path = words[5].strip() if len(words) > 5 else ""
            found.append((low, high, path, starts.setdefault(path, low)))
    return found


def place(mapped, address):
    for low, high, path, start in mapped:
        if low <= address < high:
            return "%s+%x" % (path, address - start)
    return "?+%x" % address


class Stop(gdb.Breakpoint):
    def stop(self):
        mapped = modules()
        frame = gdb.newest_frame()
        words = []
        while frame is not None:
            if frame.type() in (gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME):
                words.append(place(mapped, frame.pc()))
            frame = frame.older()
        output.write(" ".join(words) + "\n")
        return False


gdb.execute("starti", to_string=True)
program = gdb.current_progspace().filename
base = next(start for _, _, path, start in modules() if path == program)
for offset in os.environ["OFFSETS"].split():
    Stop("*%d" % (base + int(offset, 16)), internal=True)
gdb.execute("continue", to_string=True)
output.close()
