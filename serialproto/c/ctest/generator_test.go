package ctest

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
)

// generator makes messages that are right or nearly so.
type generator struct{ *rand.Rand }

func (g *generator) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return b
}

// one in n.
func (g *generator) rarely(n int) bool { return g.IntN(n) == 0 }

// head is an initial byte with its argument; now and then not in its shortest form.
func (g *generator) head(major byte, arg uint64) []byte {
	var size int
	switch {
	case arg < 24: // in the initial byte
	case arg < 1<<8:
		size = 1
	case arg < 1<<16:
		size = 2
	case arg < 1<<32:
		size = 4
	default:
		size = 8
	}
	if g.rarely(400) && size < 8 {
		size = max(1, size*2)
	}
	if size == 0 {
		return []byte{major<<5 | byte(arg)}
	}
	info := map[int]byte{1: 24, 2: 25, 4: 26, 8: 27}[size]
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], arg)
	return append([]byte{major<<5 | info}, b[8-size:]...)
}

func (g *generator) str(major byte, b []byte) []byte {
	return append(g.head(major, uint64(len(b))), b...)
}

func (g *generator) uint(v uint64) []byte { return g.head(0, v) }

// near is a number at or beside a bound.
func (g *generator) near(bounds ...uint64) uint64 {
	b := bounds[g.IntN(len(bounds))]
	switch g.IntN(12) {
	case 0:
		return b + 1
	case 1:
		return b - 1
	case 2:
		return g.Uint64() >> g.IntN(64)
	}
	return b
}

// size is a length that is mostly the right one.
func (g *generator) size(right ...int) int {
	n := right[g.IntN(len(right))]
	if g.rarely(15) {
		return max(0, n+g.IntN(5)-2)
	}
	return n
}

func (g *generator) der(sizes ...int) []byte {
	b := g.bytes(g.size(sizes...))
	if len(b) > 0 && !g.rarely(20) {
		b[0] = 0x30
	}
	return b
}

func (g *generator) ascii(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(0x20 + g.IntN(0x5f))
	}
	if n > 0 && g.rarely(15) {
		b[g.IntN(n)] = []byte{0, 9, 10, 13, 0x1b, 0x7f, 0xff, 0xc0}[g.IntN(8)]
	}
	return b
}

func (g *generator) enrollID() []byte {
	if g.rarely(20) {
		return make([]byte, 8)
	}
	return g.bytes(g.size(8))
}

func (g *generator) boolean() []byte { return []byte{0xf4 | byte(g.IntN(2))} }

// value is anything that may stand under a key nobody knows, or, now and then, under one that somebody does.
func (g *generator) value(depth int) []byte {
	switch n := g.IntN(12); {
	case n < 2:
		return g.uint(g.Uint64() >> g.IntN(64))
	case n == 2:
		return g.head(1, g.Uint64()>>g.IntN(64))
	case n == 3:
		return g.str(2, g.bytes(g.IntN(20)))
	case n == 4:
		return g.str(3, g.text())
	case n == 5:
		return g.boolean()
	case n == 6 && g.rarely(3): // null, undefined, floats, tags, indefinite
		return [][]byte{{0xf6}, {0xf7}, {0xf9, 0, 0}, {0xc1, 0}, {0x9f, 0xff}, {0x5f, 0xff}, {0xff}, {0xf8, 0x20}, {0xe0}, {0x1c}}[g.IntN(10)]
	case n < 9 && depth < 5:
		count := g.IntN(4)
		if g.rarely(30) {
			count = 15 + g.IntN(3)
		}
		b := g.head(4, uint64(count))
		for range count {
			b = append(b, g.value(depth+1)...)
		}
		return b
	case depth < 5:
		return g.mapOf(g.entries(g.IntN(4), depth))
	}
	return g.uint(uint64(g.IntN(30)))
}

// text is UTF-8, or nearly.
func (g *generator) text() []byte {
	return [][]byte{
		[]byte("plain"), []byte("ü"), []byte("€"), []byte("😀"),
		{0xc0, 0x80},
		{0xed, 0xa0, 0x80},
		{0xf4, 0x90, 0x80, 0x80},
		{0xe2, 0x82},
		{0x80},
		{0xf0, 0x80, 0x80, 0x80},
		{0xe0, 0x80, 0x80},
		{0xf8},
		{0xef, 0xbf, 0xbf},
		{0xf4, 0x8f, 0xbf, 0xbf},
		{0xc2, 0x41},
		nil,
	}[g.IntN(16)]
}

// entry is a key and a value, encoded.
type entry struct{ key, value []byte }

func (g *generator) entries(n, depth int) []entry {
	var out []entry
	for range n {
		key := g.uint(uint64(g.IntN(300)))
		if g.rarely(6) {
			key = g.head(1, uint64(g.IntN(300)))
		}
		if g.rarely(40) {
			key = g.value(5)
		}
		out = append(out, entry{key, g.value(depth + 1)})
	}
	return out
}

// mapOf puts entries into order and leaves repeated keys out; now and then it does not.
func (g *generator) mapOf(entries []entry) []byte {
	if !g.rarely(60) {
		slices.SortStableFunc(entries, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	}
	if !g.rarely(60) {
		entries = slices.CompactFunc(entries, func(a, b entry) bool { return bytes.Equal(a.key, b.key) })
	}
	b := g.head(5, uint64(len(entries)))
	for _, e := range entries {
		b = append(append(b, e.key...), e.value...)
	}
	return b
}

// maybe damages one in n.
func (g *generator) maybe(b []byte, n int) []byte {
	if !g.rarely(n) || len(b) == 0 {
		return b
	}
	b = bytes.Clone(b)
	at := g.IntN(len(b))
	switch g.IntN(5) {
	case 0:
		b[at] ^= 1 << g.IntN(8)
	case 1:
		b = b[:at]
	case 2:
		b = append(b, byte(g.Uint32()))
	case 3:
		b = slices.Delete(b, at, at+1)
	default:
		b = slices.Insert(b, at, byte(g.Uint32()))
	}
	return b
}

// message is one of a kind: its fields, now and then without one of them or with one of another type, and with keys that
// nobody knows.
func (g *generator) message(kind string) []byte {
	var list []entry
	for key, v := range g.fields(kind) {
		switch {
		case g.rarely(40):
			continue
		case g.rarely(60):
			v = g.value(2)
		}
		list = append(list, entry{g.uint(key), v})
	}
	slices.SortFunc(list, func(a, b entry) int { return bytes.Compare(a.key, b.key) }) // a map's order is not the seed's
	if g.rarely(4) {
		for _, e := range g.entries(g.IntN(3), 1) {
			if len(e.key) > 1 { // not one of ours
				list = append(list, e)
			}
		}
	}
	if g.rarely(200) {
		for i := range 31 {
			list = append(list, entry{g.uint(uint64(100 + i)), g.uint(1)})
		}
	}
	return g.maybe(g.mapOf(list), 12)
}

// fields are those of a message, encoded.
func (g *generator) fields(kind string) map[uint64][]byte {
	op := func(o uint64) []byte {
		if g.rarely(30) {
			o = g.near(0, 255, 7)
		}
		return g.uint(o)
	}
	switch kind {
	case "Hello":
		return map[uint64][]byte{
			1: g.uint(g.near(1)), 2: g.uint(g.near(1, 3, 255)), 3: g.uint(g.near(1, 1<<32-1)), 4: g.uint(g.near(32, 246, 65535)),
			5: g.uint(g.near(1, 8, 255)), 6: g.uint(g.near(1024, 1<<32-1)), 7: g.uint(g.near(0x3ff, 1<<32-1)),
		}
	case "EnrollArgs":
		f := map[uint64][]byte{
			0: op(2), 1: g.uint(g.near(1, 2, 3)), 2: g.str(3, g.ascii(g.size(1, 11, 128))), 4: g.str(2, g.enrollID()),
		}
		if g.rarely(3) {
			f[5] = g.boolean()
		}
		if g.rarely(4) {
			f[6] = g.boolean()
		}
		return f
	case "InstallArgs":
		return g.install(op(3))
	case "PutArgs":
		data := g.bytes(g.size(1, 20, 300))
		total := g.near(uint64(len(data)), 4096, 32768)
		return map[uint64][]byte{
			0: op(4), 1: g.uint(g.near(1, 3, 5)), 2: g.uint(g.near(0, total-uint64(len(data)))), 3: g.uint(total),
			4: g.str(2, g.bytes(g.size(32))), 5: g.str(2, data), 6: g.str(2, g.enrollID()),
		}
	case "CommitArgs":
		var objects []entry
		for range 1 + g.IntN(3) {
			objects = append(objects, entry{g.uint(g.near(1, 3, 4, 255)), g.str(2, g.bytes(g.size(32)))})
		}
		f := map[uint64][]byte{0: op(5), 4: g.str(2, g.enrollID()), 6: g.mapOf(objects)}
		if g.rarely(3) {
			f[7] = g.str(2, g.bytes(g.size(32, 0)))
		}
		return f
	default:
		return g.small(kind, op)
	}
}

func (g *generator) install(op []byte) map[uint64][]byte {
	count := g.size(1, 3, 8)
	chain := g.head(4, uint64(count))
	for range count {
		if g.rarely(3) {
			chain = append(chain, g.str(2, g.bytes(g.size(8)))...)
		} else {
			chain = append(chain, g.str(2, g.der(9, 40, 40, 4096))...)
		}
	}
	f := map[uint64][]byte{0: op, 1: g.str(2, g.der(9, 40, 4096)), 2: chain, 4: g.str(2, g.enrollID())}
	if g.rarely(2) {
		f[3] = g.str(2, g.ascii(g.size(20, 4096)))
	}
	if g.rarely(2) {
		f[5] = g.boolean()
	}
	if g.rarely(4) {
		f[6] = g.str(2, g.bytes(g.size(32, 0)))
	}
	if g.rarely(4) {
		n := g.size(1, 4)
		pins := g.head(4, uint64(n))
		for range n {
			pins = append(pins, g.str(2, g.der(9, 91, 256))...)
		}
		f[7] = pins
	}
	return f
}

func (g *generator) small(kind string, op func(uint64) []byte) map[uint64][]byte {
	switch kind {
	case "SignTLS13Args":
		return map[uint64][]byte{0: op(6), 1: g.str(2, g.bytes(g.size(32, 48))), 2: g.uint(g.near(0x0403, 65535))}
	case "LockArgs":
		return map[uint64][]byte{0: op(7), 4: g.str(2, g.enrollID()), 5: g.str(3, g.ascii(g.size(0, 11, 64)))}
	case "AbortArgs":
		return map[uint64][]byte{0: op(9), 4: g.str(2, g.enrollID())}
	case "ClockArgs":
		return map[uint64][]byte{0: op(11), 1: g.uint(g.near(0, 1795520000000000, 1<<63-1))}
	case "ReadArgs":
		return map[uint64][]byte{0: op(13), 1: g.uint(g.near(1, 3))}
	default: // SimpleArgs, Op
		return map[uint64][]byte{0: g.uint(g.near(1, 8, 255))}
	}
}
