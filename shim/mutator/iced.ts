/** The iced-x86 library, by one name: its exports are hundreds. */
import * as iced from "iced-x86";

export { iced };
