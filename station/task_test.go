package station

import (
	"bytes"
	"crypto"
	"testing"
	"time"

	"provstation/station/stepca"
)

// A renewal that failed is tried again as what it was, by r and by R, and may be asked for another way.
func TestRetryKeepsTheTask(t *testing.T) {
	for name, again := range map[string]func(b *Bench) error{
		"retry":     func(b *Bench) error { return b.Retry("s1") },
		"retry all": func(b *Bench) error { _, err := b.RetryFailed(); return err },
		"ask":       func(b *Bench) error { return b.Ask("s1", TaskRenew) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, d, ca := renewKit(t, TaskProvision)
				ca.on = func(n int) (*stepca.Issued, error) {
					if n == 1 {
						return nil, caErr(stepca.ErrUntrusted)
					}
					return nil, nil
				}
				n := 0
				k.on = func(b *Bench, e Event) {
					if _, ok := e.Body.(RunEnded); !ok {
						return
					}
					n++
					var err error
					switch n {
					case 1:
						err = b.Ask("s1", TaskRenew)
					case 2:
						err = again(b)
					}
					if err != nil {
						t.Errorf("after run %d: %v", n, err)
					}
				}
				list := ends(k.play())
				if len(list) != 3 {
					t.Fatalf("got %d runs, want 3", len(list))
				}
				checkEnd(t, list[0], Skipped, CodeSkipped)
				checkEnd(t, list[1], Error, CodeCATLS)
				checkEnd(t, list[2], Pass, "")
				if list[2].Task != TaskRenew || d.life.renewals != 1 {
					t.Errorf("got a run for %q and %d renewals, want the renewal made", list[2].Task, d.life.renewals)
				}
			})
		})
	}
}

// A device that was never finished here is asked for nothing: a new key for one that is held is for a lead to allow.
func TestAskOfTheUnfinished(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, _ := renewKit(t, TaskProvision)
		d.state, d.active, d.leaf = StateEmpty, 0, nil // reflashed: the ledger has its PASS
		k.on = func(b *Bench, e Event) {
			end, ok := e.Body.(RunEnded)
			if !ok {
				return
			}
			checkEnd(t, end, Uncertain, CodeUnknownKey)
			for _, task := range Tasks() {
				wantCode(t, b.Ask("s1", task), CodeRenewState)
				if n, err := b.AskAll(task); n != 0 || err == nil {
					t.Errorf("%s: got %d asked, %v, want none", task, n, err)
				}
			}
		}
		if n := len(ends(k.play())); n != 1 || d.keys != 0 {
			t.Errorf("got %d runs and %d new keys, want the device left alone", n, d.keys)
		}
	})
}

// A certificate that has ended is renewed by nobody, and not asked for in bulk; enrolled anew, the device is finished again.
func TestAskOfTheExpired(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, ca := renewKit(t, TaskProvision)
		<-time.After(25 * time.Hour) // of the bubble's time: the certificate ends
		n := 0
		k.on = func(b *Bench, e Event) {
			if _, ok := e.Body.(RunEnded); !ok {
				return
			}
			if n++; n > 1 {
				return
			}
			for _, task := range []Task{TaskRenew, TaskRekey} {
				if got, err := b.AskAll(task); got != 0 || err == nil {
					t.Errorf("%s: got %d asked, %v, want none", task, got, err)
				}
			}
			if got, err := b.AskAll(TaskReenroll); got != 1 || err != nil {
				t.Errorf("re-enroll: got %d asked, %v, want 1", got, err)
			}
		}
		list := ends(k.play())
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2", len(list))
		}
		checkEnd(t, list[0], Fail, CodeCertExpired)
		if list[1].Task != TaskReenroll || len(ca.asks) != 0 || d.keys != 1 || k.bridge.posts != 1 {
			t.Errorf("got %+v, the CA asked %q, %d new keys, %d posts at the bridge", list[1], ca.asks, d.keys, k.bridge.posts)
		}
	})
}

// What was asked of one device is not done to another that sits in the slot when it is greeted.
func TestAskOfAnother(t *testing.T) {
	for _, task := range Tasks() {
		bubble(t, func(t *testing.T) {
			k, _, ca := renewKit(t, TaskProvision)
			other := newFakeDevice("SN-2")
			other.enrolled(k.pki, "edge-sn-2", StateSealed, func(pub crypto.PublicKey, id string) []byte { return issueFor(k.pki, pub, id) })
			other.announces = "SN-1"
			k.ledger.knows("SN-2", "edge-sn-2", other.spki(), other.leafHash(), time.Now().Add(24*time.Hour), false)
			ca.of, ca.id = other.key.Public(), other.id
			key, leaf := other.spki(), other.leafHash()
			n := 0
			k.on = func(b *Bench, e Event) {
				if _, ok := e.Body.(RunEnded); !ok {
					return
				}
				if n++; n == 1 {
					if err := b.Ask("s1", task); err != nil {
						t.Error(err)
					}
					p := k.port("s1")
					p.mu.Lock()
					p.dev = other
					p.mu.Unlock()
				}
			}
			list := ends(k.play())
			if len(list) < 2 || list[1].Outcome != Fail || list[1].Code != CodeSwapped {
				t.Errorf("%s: got %+v, want the second run stopped", task, list)
			}
			if !bytes.Equal(other.spki(), key) || !bytes.Equal(other.leafHash(), leaf) {
				t.Errorf("%s: SN-2 was worked on for what was asked of SN-1", task)
			}
		})
	}
}
