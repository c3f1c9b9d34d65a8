/**
 * The iced-x86 library. It is one CommonJS file of 900 KB: `require` takes it as it is, an `import`
 * would first search it for export names, which takes 60 ms.
 */
import { createRequire } from "node:module";
import type * as Iced from "iced-x86";

/** Everything that iced-x86 exports. */
export const iced: typeof Iced = createRequire(import.meta.url)("iced-x86");
