package device

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"provstation/serialproto"
)

// callPacked is call for a request that carries certificates: packed, where the device takes that. One that cannot unpack it, by
// what the line has lost or by whatever the station has wrong about its key, gets it packed after less, and then as it is.
func (l *line) callPacked(ctx context.Context, doing string, args, result any) error {
	if l.welcome.Features&serialproto.FeaturePacked == 0 {
		return l.call(ctx, doing, args, result)
	}
	request, err := serialproto.EncodeRequest(args)
	if err != nil {
		return l.fault(doing, err)
	}
	ahead := l.cameAhead()
	l.host.RepairedAhead() // what was missing before need not be missing now
	for again := true; ; {
		packed := serialproto.Pack(request, ahead, l.csr)
		if packed == nil {
			return l.call(ctx, doing, args, result)
		}
		err := l.host.Call(ctx, packed, result)
		switch {
		case err == nil:
			return nil
		case !refusedPacked(err):
			return l.fault(doing, err)
		case len(ahead) == 0:
			return l.call(ctx, doing, args, result)
		case again && l.host.RepairedAhead():
			again = false
		default:
			ahead = nil
			l.sayAhead(nil)
		}
	}
}

// refusedPacked reports whether the device could not unpack a request.
func refusedPacked(err error) bool {
	se, ok := errors.AsType[*serialproto.StatusError](err)
	return ok && se.Status == serialproto.StatusHashMismatch
}

// sayAhead has CA certificates that the device does not hold cross behind its next request; nil: nothing, and what was said before and
// has not left neither.
func (l *line) sayAhead(chain [][]byte) {
	l.ahead = nil
	var content []byte
	for _, der := range chain {
		if len(l.known(der)) == len(der) {
			content = append(content, der...)
		}
	}
	if len(content) == 0 || l.welcome.Features&serialproto.FeaturePacked == 0 {
		l.host.Ahead(nil)
		return
	}
	l.ahead = content
	l.host.Ahead(l.packer.pack(content))
}

// cameAhead is what the device has of what was said ahead, as far as is known.
func (l *line) cameAhead() []byte {
	if !l.host.HoldsAhead() {
		return nil
	}
	return l.ahead
}

// aheadPacker packs what goes ahead of a key, which is the same for device after device. It is safe for concurrent use.
type aheadPacker struct {
	mu              sync.Mutex
	content, packed []byte
}

func (p *aheadPacker) pack(content []byte) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !bytes.Equal(p.content, content) {
		p.content, p.packed = content, serialproto.PackAhead(content)
	}
	return p.packed
}
