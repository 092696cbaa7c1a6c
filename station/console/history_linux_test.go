package console_test

import (
	"bytes"
	"context"
	"os"
	"testing"
	"time"
)

// TestHistory: the first line, which the login shell may have kept before anybody could switch its history off, is taken out of
// it again. What others have typed stays.
func TestHistory(t *testing.T) {
	t.Parallel()
	b := newBox(t, busybox)
	p := &tap{}
	const before, after = "ls -l /certs\nunset HISTFILE; echo 'mine'\n", "reboot\n"
	p.after("done'\r", func() { // as an ash with FEATURE_EDITING_SAVEHISTORY does
		s := p.sent()
		s = s[bytes.LastIndex(s, []byte(" unset HISTFILE")):]
		for _, f := range []string{"root/.ash_history", "root/.bash_history"} {
			b.write(f, before+string(bytes.TrimRight(s, "\r"))+"\n"+after)
		}
	})
	l := open(t, quick(b, p))
	b.on("")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := l.Wait(ctx)
	must(t, err)
	text, err := os.ReadFile(b.path("root/.ash_history"))
	must(t, err)
	if !bytes.Contains(text, []byte("stty -echo")) {
		t.Fatalf("got history %q, want the first line in it", text)
	}
	l.Bye(ctx)
	for _, f := range []string{"root/.ash_history", "root/.bash_history"} {
		text, err := os.ReadFile(b.path(f))
		must(t, err)
		if string(text) != before+after {
			t.Errorf("%s: got %q, want what was there before", f, text)
		}
	}
}
