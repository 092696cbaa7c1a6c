package serialproto

import "testing"

func BenchmarkPack(b *testing.B) {
	request, csr := bundleSample(1)
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		Pack(request, csr)
	}
}

func BenchmarkUnpack(b *testing.B) {
	request, csr := bundleSample(1)
	p := Pack(request, csr)
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.Unpack(csr, DefaultMax); err != nil {
			b.Fatal(err)
		}
	}
}
