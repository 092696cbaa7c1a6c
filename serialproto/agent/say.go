package agent

import (
	"fmt"

	"provstation/serialproto"
)

// say tells the station one line in a LOG frame, for people: nothing hangs on it, and on a busy line it may be dropped.
// Nothing secret is ever said. Empty: nothing.
func (a *Agent) say(text string) {
	if d := a.line.Load(); d != nil && text != "" {
		d.Log(text)
	}
}

// notable puts into words what an operation changed for good; empty where it changed nothing.
func notable(op serialproto.Op, result any) string {
	switch op {
	case serialproto.OpEnroll:
		if r, ok := result.(serialproto.EnrollResult); ok && r.Existing {
			return fmt.Sprintf("key %d was there already", r.Generation)
		} else if ok {
			return fmt.Sprintf("key %d made", r.Generation)
		}
	case serialproto.OpInstall, serialproto.OpCommit:
		return "files stored and read back"
	case serialproto.OpLock:
		return "sealed: the new files are in use"
	case serialproto.OpUnlock:
		if r, ok := result.(serialproto.UnlockResult); ok && r.Left > 0 {
			return fmt.Sprintf("unlocked for %d s", r.Left)
		}
	case serialproto.OpErase:
		return "erased: the device is empty"
	case serialproto.OpRenew:
		return "renewed certificate stored and read back"
	case serialproto.OpAbort:
		return "gave up what was begun"
	}
	return ""
}
