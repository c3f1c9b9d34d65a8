#!/usr/bin/env node
/** The command `wastap`. */
import { loadProgram } from "./program.js";

loadProgram()
  .main(process.argv.slice(2))
  .then((status) => {
    process.exitCode = status;
  });
