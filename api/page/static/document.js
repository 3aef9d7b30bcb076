// A document as a page of its own.

import { start } from "./frame.js";

start("knowledge");
