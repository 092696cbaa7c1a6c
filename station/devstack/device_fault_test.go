package devstack

import (
	"bytes"
	"testing"
	"time"

	"provstation/serialproto/prototest"
)

// A kernel line in the bytes of a device comes from the device: the station hears it.
func TestKernelLinesComeFromTheDevice(t *testing.T) {
	s := start(t, Config{Devices: 1, Baud: 921600, Quiet: true, Faults: Spec{Text: leastText}, cable: memoryPort})
	end, ok := s.Open(s.Devices[0].Path)
	if !ok {
		t.Fatal("got no line")
	}
	defer end.Close()
	if err := end.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var heard []byte
	for block := make([]byte, 256); !bytes.Contains(heard, []byte(prototest.KernelLine)); {
		n, err := end.Read(block)
		if err != nil {
			t.Fatalf("after %d bytes: %v, want a kernel line between the announcements", len(heard), err)
		}
		heard = append(heard, block[:n]...)
	}
}
