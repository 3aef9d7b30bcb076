// The page that says that a document is not there.

import { start } from "./frame.js";

start("knowledge");
