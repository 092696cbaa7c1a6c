package serialproto

import "testing"

func BenchmarkPack(b *testing.B) {
	request, csr := bundleSample(1)
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		Pack(request, nil, csr)
	}
}

func BenchmarkUnpack(b *testing.B) {
	request, csr := bundleSample(1)
	p := Pack(request, nil, csr)
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.Unpack(nil, csr, DefaultMax); err != nil {
			b.Fatal(err)
		}
	}
}
