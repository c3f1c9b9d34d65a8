/** What the handler of a control file gives to its reader (PROCFS of the layout). */
import { PROCFS_CAPACITY, PROCFS_LENGTH, PROCFS_TEXT } from "./gen/layout";
import { TEXT_BUFFER_EXCEEDED, TEXT_BUFFER_EXCEEDED_END } from "./gen/texts";
import { raiseDecimal } from "./message";
import { textLength } from "./string";

/** Makes `text` the text of `file`, or appends it; what has no room is cut and raises an error. */
export function procfs_put(context: usize, file: usize, text: usize, append: i32): void {
  const room = load<i32>(file, PROCFS_CAPACITY) - 1;
  const before = append !== 0 ? load<i32>(file, PROCFS_LENGTH) : 0;
  const length = before + textLength(text);
  const kept = min(length, room);
  if (kept > before) memory.copy(file + PROCFS_TEXT + before, text, kept - before);
  store<i32>(file, kept, PROCFS_LENGTH);
  if (length <= room) return;
  raiseDecimal(context, TEXT_BUFFER_EXCEEDED, length + 1, TEXT_BUFFER_EXCEEDED_END);
}
