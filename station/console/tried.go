package console

import "crypto/sha256"

// mostCut is how often a password is sent to a box that starts anew before it has answered.
const mostCut = 3

// tried is what is known of the password that was sent to one asker on this port, the login program or sudo: nobody is to be locked
// out by tries. It is kept from before the sending: what was not seen to be taken is not sent again by itself.
type tried struct {
	sum     [sha256.Size]byte
	spent   bool // it was sent, and not seen to be taken
	refused bool
	cut     int // times that the box started anew instead of an answer, since one was taken
}

// send notes that a password is about to be sent.
func (t *tried) send(pw []byte) {
	sum := sha256.Sum256(pw)
	if sum != t.sum {
		t.cut = 0
	}
	t.sum, t.spent, t.refused = sum, true, false
}

func (t *tried) refuse() { t.refused = true }
func (t *tried) forget() { *t = tried{} }
func (t *tried) restart() { // a box that starts anew has judged nothing
	if t.spent && !t.refused {
		t.cut++
		t.spent = t.cut >= mostCut
	}
}

// bar says why a password is not to be sent; "": it may be.
func (t *tried) bar(pw []byte) string {
	switch {
	case !t.spent || t.sum != sha256.Sum256(pw):
		return ""
	case t.refused:
		return "it was refused before and is not tried again"
	}
	return "it was sent before, was not seen to be taken, and is not tried again"
}
