package serialproto

import (
	"bytes"
	"compress/flate"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// chainSample is the chain of bundleSample's request.
func chainSample(t testing.TB, request []byte) (chain []byte) {
	t.Helper()
	var args InstallArgs
	if err := DecodeRequest(request, &args); err != nil {
		t.Fatal(err)
	}
	for _, c := range args.Chain {
		chain = append(chain, c...)
	}
	return chain
}

func TestAheadIsSmallerAndTheSame(t *testing.T) {
	request, _ := bundleSample(1)
	chain := chainSample(t, request)
	packed := PackAhead(chain)
	if len(packed) == 0 || len(packed) > len(chain)*3/4 {
		t.Errorf("got %d bytes for %d, want a quarter less at least", len(packed), len(chain))
	}
	if back, err := UnpackAhead(packed); err != nil || !bytes.Equal(back, chain) {
		t.Errorf("got %d bytes, %v; want what was packed", len(back), err)
	}
}

// After what came ahead a request takes as little as if the certificates in it were not there, and nobody else can read it.
func TestPackedAfterWhatCameAhead(t *testing.T) {
	request, csr := bundleSample(1)
	chain := chainSample(t, request)
	p, without := Pack(request, chain, csr), Pack(request, nil, csr)
	if p == nil || len(p.Data)+len(PackAhead(chain)) > len(without.Data)+64 || len(p.Data) > len(without.Data)*2/3 {
		t.Fatalf("got %d bytes after what came ahead, %d without it", len(p.Data), len(without.Data))
	}
	op, back, err := p.Unpack(chain, csr, len(request))
	if err != nil || op != OpInstall || !bytes.Equal(back, request) {
		t.Errorf("got %v of %d bytes, %v; want the request", op, len(back), err)
	}
	for name, ahead := range map[string][]byte{"nothing": nil, "another": chain[1:], "more": append(bytes.Clone(chain), 0)} {
		if _, _, err := p.Unpack(ahead, csr, len(request)); !errors.Is(err, ErrPacked) {
			t.Errorf("%s came ahead: got %v, want %v", name, err, ErrPacked)
		}
	}
	if _, back, err := without.Unpack(chain, csr, len(request)); err != nil || !bytes.Equal(back, request) {
		t.Errorf("packed without what came all the same: got %v, want the request", err)
	}
}

// The vector is of bytes, not of our packer: it need not pack alike for ever, and unpacks alike for ever.
func TestAheadVector(t *testing.T) {
	file := filepath.Join("testdata", "vectors", "ahead.txt")
	request, csr := bundleSample(1)
	chain := chainSample(t, request)
	if *update {
		packed, err := EncodeRequest(Pack(request, chain, csr))
		if err != nil {
			t.Fatal(err)
		}
		text := "# What comes ahead, and a request that is packed after it and after a CSR.\n\nname: ahead\nahead: " + spaced(PackAhead(chain)) +
			"\nunpacked: " + spaced(chain) + "\ncsr: " + spaced(csr) + "\npacked: " + spaced(packed) + "\nrequest: " + spaced(request) + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := readVectors(t, "ahead.txt")
	if len(v) != 1 {
		t.Fatalf("got %d vectors in %s, want 1", len(v), file)
	}
	ahead, err := UnpackAhead(unhex(t, v[0]["ahead"]))
	if err != nil || !bytes.Equal(ahead, unhex(t, v[0]["unpacked"])) {
		t.Errorf("got %d bytes ahead, %v; want those of the vector", len(ahead), err)
	}
	var args PackedArgs
	if err := DecodeRequest(unhex(t, v[0]["packed"]), &args); err != nil {
		t.Fatal(err)
	}
	if _, back, err := args.Unpack(ahead, unhex(t, v[0]["csr"]), DefaultMax); err != nil || !bytes.Equal(back, unhex(t, v[0]["request"])) {
		t.Errorf("got a request of %d bytes, %v; want that of the vector", len(back), err)
	}
}

func TestAheadHasBounds(t *testing.T) {
	var bomb bytes.Buffer
	w, err := flate.NewWriterDict(&bomb, flate.BestCompression, Dictionary())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(make([]byte, 1<<20))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, MaxAheadPacked+100)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "no DEFLATE": bytes.Repeat([]byte{0xff}, 40), "half of it": PackAhead(Dictionary())[:2],
		"a bomb": bomb.Bytes(), "too long": noise,
	} {
		if back, err := UnpackAhead(data); !errors.Is(err, ErrAhead) || back != nil {
			t.Errorf("%s: got %d bytes, %v; want %v", name, len(back), err, ErrAhead)
		}
	}
	for name, content := range map[string][]byte{"nothing": nil, "too long": make([]byte, MaxAhead+1)} {
		if data := PackAhead(content); data != nil {
			t.Errorf("pack %s: got %d bytes, want none", name, len(data))
		}
	}
}

func FuzzUnpackAhead(f *testing.F) {
	request, _ := bundleSample(2)
	f.Add(PackAhead(chainSample(f, request)))
	f.Add([]byte{3, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		back, err := UnpackAhead(data)
		if err != nil && (back != nil || !errors.Is(err, ErrAhead)) || len(back) > MaxAhead {
			t.Fatalf("got %d bytes, %v", len(back), err)
		}
	})
}
