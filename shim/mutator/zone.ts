/** The local time zone. */
import { loadAddon } from "../../base/addon.js";

/** A time zone at one moment. */
export interface Zone {
  /** Seconds west of UTC. */
  readonly secondsWest: number;
  /** Its abbreviation, as strftime(3) %Z. */
  readonly name: string;
}

/** The zone of the environment (TZ, else /etc/localtime), now. */
export function localZone(): Zone {
  return loadAddon()["localZone"]?.() as Zone;
}
