package station

import "sync/atomic"

// likelyMost is how many certificates that are pinned make a chain that is likely: where more are, most of them are of other chains.
const likelyMost = 3

// likely is the chain that the next bundle will most likely bring: that of the latest certificate that was good, before the first one
// what is pinned. Nobody trusts a certificate for being in it.
type likely struct{ latest atomic.Pointer[[][]byte] }

// chain is in DER, nil where nothing is known.
func (l *likely) chain() [][]byte {
	if c := l.latest.Load(); c != nil {
		return *c
	}
	return nil
}

// was notes the chain of a certificate that was good.
func (l *likely) was(chain [][]byte) { l.latest.Store(&chain) }

// begin notes what is pinned, unless a chain is known.
func (l *likely) begin(a Anchors) {
	if len(a.Intermediates)+len(a.Roots) > likelyMost {
		return
	}
	var chain [][]byte
	for _, c := range a.Intermediates {
		chain = append(chain, c.Raw)
	}
	for _, c := range a.Roots {
		chain = append(chain, c.Raw)
	}
	l.latest.CompareAndSwap(nil, &chain)
}
