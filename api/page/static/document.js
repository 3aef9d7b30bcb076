// The page of a document.

import { start } from "./frame.js";

start("knowledge");
