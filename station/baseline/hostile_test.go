package baseline

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// script is a device that says what it was told to, whatever it is asked, and then hangs up.
type script struct{ said io.Reader }

func (s script) Read(p []byte) (int, error)     { return s.said.Read(p) }
func (script) Write(p []byte) (int, error)      { return len(p), nil }
func (script) Close() error                     { return nil }
func (script) SetReadDeadline(time.Time) error  { return nil }
func (script) SetWriteDeadline(time.Time) error { return nil }

var _ link.Transport = script{}

// forever repeats a text.
type forever string

func (f forever) Read(p []byte) (int, error) { return copy(p, f), nil }

func TestHostileDevice(t *testing.T) {
	for _, c := range []struct {
		name, method string
		said         io.Reader
		want         error
	}{
		{"no prompt ever", "heredoc", forever("tick "), ErrTooLong},
		{"no line ever", "at", forever("tick "), ErrTooLong},
		{"lines for ever", "at", forever("tick\r\n"), ErrTooLong},
		{"events for ever", "at", forever("#XMQTTEVT: 0,0\r\n"), ErrTooLong},
		{"no frame ever", "mcumgr", forever("tick "), ErrTooLong},
		{"hangs up", "heredoc", strings.NewReader(promptFirst), io.EOF},
		{"another echo", "heredoc", io.MultiReader(strings.NewReader(promptFirst), strings.NewReader("openssl ecparam -rm")), ErrAnswer},
		{"error", "at", strings.NewReader("\r\nERROR\r\n"), ErrRefused},
		{"half a packet", "mcumgr", strings.NewReader("\x06\x09ABo=\n"), io.EOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := hostOf(t, c.method, script{c.said}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// hostOf runs the station's side of a method alone.
func hostOf(t *testing.T, name string, tr link.Transport) error {
	t.Helper()
	for _, m := range methods() {
		if m.name == name {
			return m.host(t.Context(), newStream(tr), newRig().work())
		}
	}
	t.Fatalf("no method %q", name)
	return nil
}

// chatter is lines of console text for ever, a second apart: each is read, and none is an answer.
func TestSilentAndChattingDevices(t *testing.T) {
	for _, name := range Methods() {
		synctest.Test(t, func(t *testing.T) {
			host, device := prototest.Pipe(prototest.Config{})
			begin := time.Now()
			if err := hostOf(t, name, host); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != patience {
				t.Errorf("%s, silence: got %v after %v, want %v after %v", name, err, time.Since(begin), os.ErrDeadlineExceeded, patience)
			}
			chat := make(chan struct{})
			go func() {
				defer close(chat)
				for {
					if _, err := device.Write([]byte("[1.0] usb 1-1: new device\r\n")); err != nil {
						return
					}
					<-time.After(time.Second)
				}
			}()
			begin = time.Now()
			if err := hostOf(t, name, host); err == nil || time.Since(begin) > patience {
				t.Errorf("%s, console text: got %v after %v, want an error within %v", name, err, time.Since(begin), patience)
			}
			host.Close()
			<-chat
		})
	}
}

func FuzzDeviceAnswers(f *testing.F) {
	f.Add(byte(0), []byte("\r\n"+promptFirst+"openssl"))
	f.Add(byte(1), []byte("\r\nOK\r\n\r\nOK\r\n\r\n%KEYGEN: \"AA.AA\"\r\nOK\r\n"))
	f.Add(byte(1), []byte("\r\nOK\r\n#XMQTTEVT: 0,0\r\n+CME ERROR: 513\r\n"))
	packet, err := pack(header{op: opWriteAnswer, group: groupShell, seq: 1}, execAnswer{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(byte(2), frames(packet))
	list := Methods()
	f.Fuzz(func(t *testing.T, which byte, said []byte) {
		if err := hostOf(t, list[int(which)%len(list)], script{bytes.NewReader(said)}); err == nil {
			t.Error("a device that cannot know the digests was provisioned")
		}
	})
}
