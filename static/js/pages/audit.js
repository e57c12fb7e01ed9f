// A page on which nothing moves: its times are rewritten in the reader's time zone.

import { localizeTimestamps } from "../ui/timestamps.js";

localizeTimestamps();
