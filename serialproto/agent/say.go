package agent

// say tells the station one line in a LOG frame, for people, about what no answer tells: nothing hangs on it, and on a busy
// line it may be dropped. Nothing secret is ever said. Empty: nothing.
func (a *Agent) say(text string) {
	if d := a.line.Load(); d != nil && text != "" {
		d.Log(text)
	}
}
