// A page on which nothing moves: its moments are put into the reader's zone.

import { localise } from "../ui/timestamps.js";

localise();
