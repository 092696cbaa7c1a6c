package serialproto

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

func TestDictionaryIsThatOfTheVectors(t *testing.T) {
	file := filepath.Join("testdata", "vectors", "dictionary.txt")
	if *update {
		text := "# The preset dictionary of PACKED, part of the protocol.\n\nname: dictionary\nbytes: " + spaced(Dictionary()) + "\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := readVectors(t, "dictionary.txt")
	if len(v) != 1 || !bytes.Equal(unhex(t, v[0]["bytes"]), Dictionary()) {
		t.Errorf("the dictionary is another than that of %s: devices out there could not unpack", file)
	}
}

// bundleSample is an INSTALL as a station sends it: certificates that look like certificates, keys that look like noise.
func bundleSample(seed uint64) (request, csr []byte) {
	r := rand.NewChaCha8([32]byte{byte(seed)})
	noise := func(n int) []byte {
		b := make([]byte, n)
		_, _ = r.Read(b)
		return b
	}
	key := noise(64)
	skeleton := Dictionary()
	cert := func(part []byte, own ...[]byte) []byte {
		out := []byte{0x30, 0x82, 0x02, 0x00}
		for i, o := range own {
			lo := i * len(part) / len(own)
			out = append(append(out, part[lo:lo+len(part)/len(own)]...), o...)
		}
		return out
	}
	leaf := cert(skeleton[len(skeleton)-380:], noise(16), key, noise(20), noise(71))
	chain := [][]byte{cert(skeleton[420:700], noise(16), noise(64), noise(20), noise(71)), cert(skeleton[420:700], noise(16), noise(64), noise(20), noise(71))}
	csr = append(append([]byte{0x30, 0x82, 0x01, 0x00}, key...), "device-0001"...)
	conf := fmt.Sprintf("[Interface]\nAddress = 10.8.1.2/16\n\n[Peer]\nPublicKey = %x\nEndpoint = 192.0.2.1:51820\n", noise(22))
	data, err := EncodeRequest(InstallArgs{Op: OpInstall, Leaf: leaf, Chain: chain, WGConf: []byte(conf), EnrollID: noise(8), Commit: true})
	if err != nil {
		panic(err)
	}
	return data, csr
}

func TestPackedIsSmallerAndTheSame(t *testing.T) {
	request, csr := bundleSample(1)
	last := len(request)
	for _, c := range [][]byte{nil, csr} {
		p := Pack(request, nil, c)
		if p == nil {
			t.Fatalf("got nothing packed")
		}
		if len(p.Data) > last*3/4 && c == nil || len(p.Data) >= last {
			t.Errorf("got %d bytes for %d with a CSR of %d, want fewer than %d", len(p.Data), len(request), len(c), last)
		}
		last = len(p.Data)
		op, back, err := p.Unpack(nil, c, len(request))
		if err != nil || op != OpInstall || !bytes.Equal(back, request) {
			t.Errorf("got %v of %d bytes, %v; want the request", op, len(back), err)
		}
		if _, _, err := p.Unpack(nil, c, len(request)-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("one byte too many: got %v, want %v", err, ErrTooLarge)
		}
		if _, _, err := p.Unpack(nil, append(bytes.Clone(c), 1), len(request)); c != nil && !errors.Is(err, ErrPacked) {
			t.Errorf("another CSR: got %v, want %v", err, ErrPacked)
		}
	}
}

func TestPackedAtTheSameTimeIsEachItsOwn(t *testing.T) {
	var wg sync.WaitGroup
	for seed := range uint64(8) {
		wg.Go(func() {
			request, csr := bundleSample(seed)
			for n := range 20 {
				with := [][]byte{nil, csr}[n%2]
				p := Pack(request, nil, with)
				if _, back, err := p.Unpack(nil, with, len(request)); err != nil || !bytes.Equal(back, request) {
					t.Errorf("device %d: got %d bytes, %v; want what was packed", seed, len(back), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestPackingMakesNoPackerEachTime(t *testing.T) {
	request, csr := bundleSample(1)
	const times = 40
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range times {
		Pack(request, nil, csr)
	}
	runtime.ReadMemStats(&after)
	// Under the race detector a pool forgets a quarter of what it is given.
	if got := (after.TotalAlloc - before.TotalAlloc) / times; got > 400_000 {
		t.Errorf("got %d bytes allocated for a request, want far less than the 800 kB of a packer", got)
	}
}

func TestWhatPackedAKeyIsNotKept(t *testing.T) {
	request, _ := bundleSample(1)
	var args InstallArgs
	if err := DecodeRequest(request, &args); err != nil {
		t.Fatal(err)
	}
	encode := func(args any) []byte {
		t.Helper()
		data, err := EncodeRequest(args)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	private, shared := args, args
	private.WGPrivate = fill(32, 7)
	shared.WGConf = []byte("[Peer]\npresharedkey = c2VjcmV0\n")
	renew := RenewArgs{Op: OpRenew, Leaf: args.Leaf, EnrollID: args.EnrollID}
	for _, c := range []struct {
		name    string
		request []byte
		want    bool
	}{
		{"with a tunnel's private key", encode(private), true},
		{"with a preshared key", encode(shared), true},
		{"with none", request, false},
		{"a renewal", encode(renew), false},
		{"no request", []byte{1}, true},
	} {
		if got := holdsKey(c.request); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestWhatIsNotPacked(t *testing.T) {
	noise, _ := EncodeRequest(RenewArgs{Op: OpRenew, Leaf: append([]byte{0x30, 0x82, 0, 5}, "noise"...), EnrollID: fill(8, 1)})
	lock, _ := EncodeRequest(LockArgs{Op: OpLock, EnrollID: fill(8, 1)})
	for name, request := range map[string][]byte{"too short to gain": noise, "another operation": lock, "no request": {1, 2, 3}, "nothing": nil} {
		if p := Pack(request, nil, nil); p != nil {
			t.Errorf("%s: got %d bytes packed, want nothing", name, len(p.Data))
		}
	}
}

func FuzzUnpack(f *testing.F) {
	request, csr := bundleSample(2)
	for _, c := range [][]byte{nil, csr} {
		p := Pack(request, nil, c)
		f.Add(p.Data, c, p.Digest)
	}
	f.Add([]byte{3, 0}, []byte(nil), packedDigest(nil))
	f.Fuzz(func(t *testing.T, data, csr, digest []byte) {
		const limit = 4096
		for _, with := range []bool{false, true} {
			op, back, err := PackedArgs{Data: data, WithCSR: with, Digest: digest}.Unpack(nil, csr, limit)
			if err != nil {
				continue
			}
			if len(back) > limit || !bytes.Equal(packedDigest(back), digest) || !packable(op) {
				t.Fatalf("got %v of %d bytes: it is too long, not what was packed, or of a kind that is not packed", op, len(back))
			}
		}
	})
}
