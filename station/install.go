package station

import (
	"bytes"
	"context"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
)

// Names of the objects a device holds, in Holding.Objects and Readback.
const (
	ObjectLeaf    = "leaf"     // first certificate of device.pem
	ObjectChain   = "chain"    // the other certificates of device.pem
	ObjectAnchors = "anchors"  // all certificates of ca-chain.pem
	ObjectTunnel  = "wg0.conf" // without its PrivateKey line
)

// install hands everything over; the device stages, checks and switches it in as a whole. What a device that was
// interrupted already holds is not sent again.
func (x *run) install(ctx context.Context) error {
	if x.greet.State == StateInstalled && x.bundle.WGKey.Empty() && x.holding.EnrollID == x.enrollID &&
		bytes.Equal(x.holding.Leaf, x.leaf) && len(x.differs(x.holding.Objects)) == 0 {
		x.readback = x.holding.Objects
		x.fact("install_reused", "yes")
		x.adopt(AdoptedFiles)
		return nil
	}
	if x.port.Network && !x.bundle.WGKey.Empty() && !x.cfg.KeyOverNetwork {
		return &Fault{Code: CodeWGKeyNetwork, Outcome: Error, Class: Misconfigured, Params: map[string]string{"port": x.port.Path}}
	}
	err := x.cause(ctx, IntendInstall, x.leaf, func() (err error) {
		x.readback, err = x.line.Install(ctx, x.bundle)
		return err
	})
	if err != nil {
		return err
	}
	if !x.bundle.WGKey.Empty() {
		x.warn(CodeWGKeyCrossed, map[string]string{"device_id": x.deviceID})
	}
	return nil
}

// compareReadback compares the digests of what the device read back from its storage with what was sent.
func (x *run) compareReadback(context.Context) error {
	if bad := x.differs(x.readback); len(bad) > 0 {
		return &Fault{Code: CodeReadback, Outcome: Fail, Params: map[string]string{"objects": joined(bad)}}
	}
	return nil
}

// readBackHeld compares what an enrolled device says of its files with the certificates it showed, and its tunnel file with
// the one that is on file for its certificate. A difference is for a person: a sealed device takes no files, and a tunnel
// that leads elsewhere is no matter of trying again.
func (x *run) readBackHeld(ctx context.Context) error {
	want := x.expected()
	delete(want, ObjectTunnel)
	conf, known, err := x.tunnelOnFile(ctx)
	if err != nil {
		return err
	}
	if known {
		want[ObjectTunnel] = digest8([]byte(conf))
	}
	x.fact("tunnel_compared", yesNo(known))
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !bytes.Equal(x.holding.Objects[name], want[name]) {
			return &Fault{Code: CodeReadback, Outcome: Uncertain, Params: map[string]string{"objects": name}}
		}
	}
	x.readback = x.holding.Objects
	x.adopt(AdoptedFiles)
	return nil
}

// tunnelOnFile is the wg0.conf that came with the device's certificate. It is not known where others wrote it, where the
// certificate is a later one for the same key, and where a secret was cut out of it.
func (x *run) tunnelOnFile(ctx context.Context) (conf string, known bool, err error) {
	c, _, err := x.onRecord(ctx, x.spki, x.leaf)
	if err != nil || c.WGConf == "" || strings.Contains(c.WGConf, hidden) {
		return "", false, err
	}
	return c.WGConf, true, nil
}

// expected is what a device that holds the run's credentials answers: the first 8 bytes of SHA-256 of each object.
func (x *run) expected() Readback {
	chain := x.chain.CAFileDER()
	want := Readback{
		ObjectLeaf:    digest8(x.chain.Leaf.Raw),
		ObjectChain:   digest8(chain[:len(chain)-1]...),
		ObjectAnchors: digest8(chain...),
	}
	if len(x.wgText) > 0 {
		want[ObjectTunnel] = digest8(x.wgText)
	}
	if len(x.bundle.Pins) > 0 { // older software takes no notice of them
		want[ObjectPins] = digest8(x.bundle.Pins...)
	}
	return want
}

// differs names the objects whose digests are not the expected ones, sorted.
func (x *run) differs(have Readback) []string {
	var bad []string
	want := x.expected()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !bytes.Equal(have[name], want[name]) {
			bad = append(bad, name)
		}
	}
	return bad
}

func digest8(parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)[:8]
}
