package conform

import (
	"bytes"
	"slices"

	"provstation/serialproto"
)

// cborCases send STATUS requests of which something is wrong with the encoding alone.
func cborCases() []Case {
	pad := func(value ...byte) []byte { return append([]byte{0xa2, 0, 1, 0x18, 100}, value...) } // {0: 1, 100: value}
	refused := []struct {
		id, text string
		raw      [][]byte
	}{
		{"cbor-shortest", "numbers and lengths that are not in their shortest form are refused", [][]byte{
			{0xa1, 0, 0x18, 1}, {0xa1, 0, 0x19, 0, 1}, {0xa1, 0x18, 0, 1}, {0xb8, 1, 0, 1}, pad(0x58, 1, 0xaa), pad(0x1b, 0, 0, 0, 0, 0, 0, 0, 1),
		}},
		{"cbor-repeated", "repeated keys are refused", [][]byte{{0xa2, 0, 1, 0, 1}, {0xa3, 0, 1, 0x18, 100, 1, 0x18, 100, 1}}},
		{"cbor-order", "keys that do not ascend are refused", [][]byte{{0xa2, 0x18, 100, 1, 0, 1}, {0xa3, 0, 1, 0x18, 101, 1, 0x18, 100, 1}, {0xa2, 0x20, 1, 0, 1}}},
		{"cbor-trailing", "bytes after the message are refused", [][]byte{{0xa1, 0, 1, 0}, {0xa1, 0, 1, 0xa1, 0, 1}}},
		{"cbor-truncated", "a message that ends early is refused", [][]byte{{0xa1}, {0xa1, 0}, {0xa2, 0, 1}, pad(0x45, 1, 2), pad(0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)}},
		{"cbor-indefinite", "indefinite lengths are refused, on every level", [][]byte{
			{0xbf, 0, 1, 0xff}, pad(0x9f, 1, 0xff), pad(0x5f, 0x41, 1, 0xff), pad(0x7f, 0x61, 'a', 0xff), pad(0xbf, 1, 1, 0xff),
		}},
		{"cbor-tag", "tags are refused", [][]byte{{0xc1, 0xa1, 0, 1}, pad(0xc1, 1), pad(0xd8, 24, 0x41, 1)}},
		{"cbor-float", "floats are refused", [][]byte{pad(0xf9, 0x3c, 0), pad(0xfa, 0x3f, 0x80, 0, 0), {0xa1, 0, 0xf9, 0x3c, 0}}},
		{"cbor-null", "null, undefined and other simple values are refused", [][]byte{pad(0xf6), pad(0xf7), pad(0xe0), pad(0xf8, 0xff), {0xa1, 0, 0xf6}}},
		{"cbor-depth", "nesting over 4 is refused", [][]byte{pad(0x81, 0x81, 0x81, 1), pad(0xa1, 1, 0xa1, 1, 0xa1, 1, 1), pad(0x81, 0x81, 0x81, 0x81, 1), pad(bytes.Repeat([]byte{0x81}, 200)...)}},
		{"cbor-array", "arrays over 16 are refused", [][]byte{pad(append([]byte{0x91}, make([]byte, 17)...)...), pad(0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)}},
		{"cbor-map", "maps over 32 are refused", [][]byte{wideMap(33)}},
		{"cbor-key", "keys that are no integers are refused", [][]byte{{0xa2, 0, 1, 0x61, 'a', 1}, {0xa1, 0x61, '0', 1}, pad(0xa1, 0x41, 1, 1)}},
		{"cbor-utf8", "text that is no UTF-8 is refused", [][]byte{pad(0x62, 0xc3, 0x28), pad(0x61, 0x80)}},
		{"cbor-shape", "a message that is no map, or says no operation, is refused", [][]byte{{0x81, 1}, {0x01}, {0xa0}, {0xa1, 1, 1}, {0xa1, 0, 0x61, '1'}, {0xa1, 0, 0x19, 1, 0}, {0xa1, 0, 0x20}}},
	}
	var list []Case
	for _, r := range refused {
		list = append(list, Case{ID: r.id, Text: r.text + " (status 4)", run: func(d *dut) {
			for _, raw := range r.raw {
				d.refused(dump(raw), raw, serialproto.StatusBadArgument)
			}
			d.status()
		}})
	}
	list = append(list, Case{ID: "cbor-unknown", Text: "keys that the device does not know are ignored, up to the limits of depth, array and map", run: func(d *dut) {
		for _, raw := range [][]byte{
			pad(1), pad(0x20), pad(0xf5), pad(0x64, 't', 'e', 'x', 't'), pad(0x81, 0x81, 1), pad(0xa1, 1, 0xa1, 1, 1),
			pad(append([]byte{0x90}, make([]byte, 16)...)...), wideMap(32),
			{0xa2, 0, 1, 0x39, 1, 0, 1},
			pad(0x1b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		} {
			h, _ := d.ask(raw, nil)
			d.check(h.Status == serialproto.StatusOK, "want ok to %s, which has a key beside the known ones, got %s", dump(raw), statusWords(h))
		}
	}})
	for i := range list {
		list[i].Clause, list[i].Level = "Messages", Must
	}
	return list
}

// wideMap is a STATUS request of n pairs, all but the first under keys that nobody knows.
func wideMap(n int) []byte {
	head := []byte{0xb8, byte(n), 0, 1}
	var pairs [][]byte
	for i := range n - 1 {
		pairs = append(pairs, []byte{0x18, byte(100 + i), 0})
	}
	return slices.Concat(head, slices.Concat(pairs...))
}
