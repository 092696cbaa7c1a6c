package retire

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/stepca"
	"provstation/station/wgcheck"
)

// Records is what is on file of certificates and devices.
type Records interface {
	station.Retirements
	// Certificates lists every certificate ever issued for a device id, newest first.
	Certificates(ctx context.Context, tenant, deviceID string) ([]Certificate, error)
	// Tunnel is what is known of a device's tunnel, over all its enrollments.
	Tunnel(ctx context.Context, tenant, deviceID string) (Tunnel, error)
	// Life is what runs tell of a device.
	Life(ctx context.Context, tenant, deviceID string) (Life, error)
}

// Life is what runs tell of a device.
type Life struct {
	PassedAt time.Time // of its last PASS; zero: none is on file
	Renews   bool      // it renews by itself: it may hold certificates that are not on file
	SeenAt   time.Time // when what it held was put on record last
}

// Authority is the CA, asked with a provisioner's key. Its errors are stepca's.
type Authority interface {
	Revoke(ctx context.Context, serial *big.Int, why stepca.Revocation) (stepca.Revoked, error)
}

// OpenAuthority gets the provisioner's key and opens it. It is called when the first certificate has to be revoked, and not
// again once it succeeded.
type OpenAuthority func(ctx context.Context) (Authority, error)

// Place is a server that lists the tenant's devices. Its errors are *station.Fault.
type Place interface {
	// Remove takes a device off the list. gone says that it was not on it.
	Remove(ctx context.Context, deviceID string) (gone bool, err error)
}

// Eraser erases a device that is connected to this station: its key, its certificate, its tunnel.
type Eraser interface {
	// Erase is nil when the device is empty, or was. [station.ErrNotHere] where it is not connected; else a *station.Fault.
	Erase(ctx context.Context, deviceID, hardwareSerial string) error
}

// Certificate is one that was issued.
type Certificate struct {
	DeviceID       string // "": nobody knows
	HardwareSerial string
	CertSerial     string // lower-case hex, whole bytes
	Fingerprint    []byte // SHA-256 of the DER; nil: it is not on file
	Leaf           []byte // DER; nil: it is not on file
	NotBefore      time.Time
	NotAfter       time.Time // zero: not known
	ReceivedAt     time.Time
	Present        bool   // it is at work on its device
	Orphan         string // why a CA should revoke it; "": it should not, or nobody knows
	RevokedAt      time.Time
	RevokeReason   string
}

// Over reports whether the certificate has expired.
func (c Certificate) Over(now time.Time) bool { return !c.NotAfter.IsZero() && now.After(c.NotAfter) }

// Number is the serial number.
func (c Certificate) Number() (*big.Int, error) {
	return stepca.ParseSerial("0x" + c.CertSerial)
}

// SerialText is a serial number as the records have it.
func SerialText(n *big.Int) string { return hex.EncodeToString(n.Bytes()) }

// Tunnel is what is known of a device's tunnel.
type Tunnel struct {
	Keys      []wgtypes.Key // its public keys; a key that the bridge made is not on file
	Addresses []netip.Addr  // within the tunnel
}

// None reports whether the device never had a tunnel.
func (t Tunnel) None() bool { return len(t.Keys) == 0 && len(t.Addresses) == 0 }

// Config says where a device's life ends. The zero value of a part means that there is none.
type Config struct {
	Tenant    string
	StationID string
	By        string // who wants it
	How       string // ByDevice where the CA is asked by the device itself; "": ByProvisioner
	// Server is where the tunnel server's peers can be read and removed: nil where this station does not know.
	Server     wgcheck.Peers
	ServerName string      // interface or socket, for people
	ServerKey  wgtypes.Key // the server's public key; zero: any
	NoTunnels  bool        // the tenant hands out none

	ThingsBoard, HawkBit Place
	Eraser               Eraser
	Now                  func() time.Time // nil: time.Now
}

// Retirer ends the life of certificates and devices. One call at a time.
type Retirer struct {
	records Records
	open    OpenAuthority
	ca      Authority // once it was opened
	cfg     Config
}

// New makes a Retirer.
func New(records Records, ca OpenAuthority, cfg Config) *Retirer {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Retirer{records: records, open: ca, cfg: cfg}
}

func (r *Retirer) now() time.Time { return r.cfg.Now().UTC() }

// authority opens the CA's key, once.
func (r *Retirer) authority(ctx context.Context) (Authority, error) {
	if r.ca != nil {
		return r.ca, nil
	}
	ca, err := r.open(ctx)
	if err != nil {
		return nil, caFault(err)
	}
	r.ca = ca
	return ca, nil
}

// caFault is a failure of the CA as a *station.Fault, or context.Canceled.
func caFault(err error) error {
	err = station.CAFault(err)
	if _, ok := station.AsFault(err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return &station.Fault{Code: station.CodeInternal, Outcome: station.Error, Params: map[string]string{"detail": err.Error()}, Err: err}
}

// recordFault is a failure of the records. Nothing counts as done after it.
func recordFault(doing string, err error) error {
	if f, ok := station.AsFault(err); ok {
		return f
	}
	return &station.Fault{
		Code: station.CodeLedger, Outcome: station.Error, Class: station.Passing,
		Params: map[string]string{"doing": doing, "detail": err.Error()}, Err: fmt.Errorf("%s: %w", doing, err),
	}
}
