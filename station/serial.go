package station

import "strings"

// JunkSerial reports whether a hardware serial is one that boards have when nobody gave them one ("0000",
// "To be filled by O.E.M."), and so tells no device from another.
func JunkSerial(serial string) bool { return junkSerials.MatchString(strings.TrimSpace(serial)) }
