package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/google/uuid"

	"provstation/station"
)

// errRehearsed takes back what was rehearsed.
var errRehearsed = errors.New("rehearsed")

// Rehearse goes through the writes of a run and takes them back, so that the first run of a process finds its statements ready
// and its pages read, some ten milliseconds sooner. It does not wait, and nothing hangs on how it ends: what is returned tells, to a
// test.
func (l *Ledger) Rehearse(ctx context.Context) (ended func() error) {
	facts := rehearsal(l.cfg.Now().UTC())
	wait := l.write.soon(ctx, func(ctx context.Context, t *txn) error {
		for _, f := range facts {
			if err := t.tell(ctx, f, l.cfg.Now()); err != nil {
				return err
			}
		}
		return errRehearsed
	})
	return func() error {
		if err := wait(); !errors.Is(err, errRehearsed) {
			return err
		}
		return nil
	}
}

// rehearsal is what a run of a device that is nobody's writes.
func rehearsal(at time.Time) []fact {
	run, post := uuid.Must(uuid.NewV7()).String(), uuid.Must(uuid.NewV7()).String()
	// Whose key and certificate they are, nobody knows: they are random, and meet no other's.
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	leaf := append([]byte{0x30, 0x20}, random...)
	fingerprint := sha256.Sum256(leaf)
	serial := "rehearsal-" + run
	id := serial
	intent := func(kind station.IntentKind, spki, leaf []byte) station.Intent {
		return station.Intent{
			ID: uuid.Must(uuid.NewV7()).String(), Run: run, Tenant: serial, HardwareSerial: serial, Kind: kind, DeviceID: id,
			EnrollID: station.EnrollID(random[:8]), SPKI: spki, Leaf: leaf, At: at,
		}
	}
	making := intent(station.IntendKey, nil, nil)
	seal := intent(station.IntendSeal, random, fingerprint[:])
	phase := station.PhaseEnd{
		Run: run, Phase: station.PhaseIdentify, Status: station.PhaseDone, StartedAt: at, EndedAt: at, Tries: 1,
		Results: map[string]station.IntentResult{making.ID: station.ResultDone},
	}
	cert := station.CertRecord{
		Run: run, PostID: post, Tenant: serial, DeviceID: id, HardwareSerial: serial, SPKI: random, Fingerprint: fingerprint[:],
		CertSerial: "00", Subject: "CN=" + id, Issuer: "CN=nobody", NotBefore: at, NotAfter: at.Add(time.Hour), Leaf: leaf,
		Contract: station.ContractDeployed, ReceivedAt: at,
	}
	whole := cert
	whole.Chain, whole.WGConf = [][]byte{leaf}, "[Interface]\n"
	return []fact{
		factBegin.of(station.RunStart{Run: run, Tenant: serial, StartedAt: at}),
		factIdentify.of(identified{Run: run, Observed: station.Observed{Tenant: serial, HardwareSerial: serial, State: station.StateEmpty}}),
		factBind.of(station.Binding{Run: run, Tenant: serial, HardwareSerial: serial, DeviceID: id, At: at}),
		factIntend.of(making), factPhase.of(phase),
		factKey.of(station.KeyRecord{
			Run: run, Tenant: serial, HardwareSerial: serial, DeviceID: id, SPKI: random, EnrollID: making.EnrollID, Generation: 1,
			KeyType: "P-256", KeyStore: "flash", CSRDigest: random, WireGuardKey: random, At: at,
		}),
		factPost.of(station.Post{
			ID: post, Run: run, Tenant: serial, DeviceID: id, SPKI: random, CSRDigest: random, Contract: station.ContractDeployed, At: at,
		}),
		factCert.of(cert), factCert.of(whole), factIntend.of(intent(station.IntendInstall, random, fingerprint[:])),
		factProof.of(station.ProofRecord{
			Run: run, Tenant: serial, HardwareSerial: serial, DeviceID: id, SPKI: random, Leaf: fingerprint[:], Proof: station.BrokerAcked,
			Seal: &seal, At: at,
		}),
		factFinish.of(station.RunFinish{
			Run: run, Tenant: serial, HardwareSerial: serial, DeviceID: id, Outcome: station.Pass, Proof: station.BrokerAcked,
			SPKI: random, Leaf: fingerprint[:], NotAfter: at.Add(time.Hour), Contract: station.ContractDeployed, EndedAt: at,
		}),
	}
}
