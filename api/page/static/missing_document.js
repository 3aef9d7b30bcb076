// The page for a document that does not exist.

import { start } from "./frame.js";

start("knowledge");
