package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrNoNotices says that the ledger's database tells nobody anything.
var ErrNoNotices = errors.New("this ledger's database gives no notices")

// Notice is what a ledger on a server tells those who listen.
type Notice struct {
	Freed     *Lease // the device that was given back: tenant and hardware serial
	Duplicate string // id of a station for which there is a new duplicate
}

// When a connection over which nothing comes is taken for broken: after aliveAfter + aliveTries x aliveEvery.
const (
	aliveAfter = 10 * time.Second
	aliveEvery = 5 * time.Second
	aliveTries = 3
)

const noticeSep = "\x1f"

func leaseFreed(e Lease) string { return "freed" + noticeSep + e.Tenant + noticeSep + e.HardwareSerial }

func duplicateFor(stationID string) string { return "duplicate" + noticeSep + stationID }

// parseNotice reads a notice. What is none of this version's is the zero notice.
func parseNotice(text string) Notice {
	what, rest, _ := strings.Cut(text, noticeSep)
	switch what {
	case "freed":
		tenant, serial, ok := strings.Cut(rest, noticeSep)
		if ok {
			return Notice{Freed: &Lease{Tenant: tenant, HardwareSerial: serial}}
		}
	case "duplicate":
		return Notice{Duplicate: rest}
	}
	return Notice{}
}

// Listen hands on what the ledger tells until ctx ends or the connection breaks, and says which. heard is called once the
// connection listens, before the first notice: what was told before that has to be looked for. ErrNoNotices for a ledger that
// is a file.
func (l *Ledger) Listen(ctx context.Context, heard func(), tell func(Notice)) error {
	d, ok := l.d.(*postgresDialect)
	if !ok || l.listening == nil {
		return l.wrap(ErrNoNotices, "listen to", l.place)
	}
	conf := l.listening.Copy()
	if l.cfg.Password != nil {
		secret, err := l.cfg.Password()
		if err != nil {
			return l.wrap(fmt.Errorf("password of the ledger's database: %w", err), "listen to", l.place)
		}
		conf.Password = string(secret.Reveal())
	}
	// A server that loses its power says nothing: the system asks it, and breaks the connection.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: aliveAfter, Interval: aliveEvery, Count: aliveTries}}
	conf.DialFunc = dialer.DialContext
	conn, err := pgx.ConnectConfig(ctx, conf)
	if err != nil {
		return l.wrap(err, "listen to", l.place)
	}
	defer func() {
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(cctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+d.channel); err != nil {
		return l.wrap(err, "listen to", l.place)
	}
	heard()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return l.wrap(err, "listen to", l.place)
		}
		tell(parseNotice(n.Payload))
	}
}

// channelOf names the ledger's channel: channels are the database's, a ledger is a schema's.
func channelOf(schema string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(schema))
	return "provstation_" + hex.EncodeToString(h.Sum(nil))
}

// notify tells with the commit.
func (d *postgresDialect) notify(ctx context.Context, t *txn, message string) error {
	if len(message) > 7000 { // the server's bound is 8000 bytes; a serial or an id has 256
		return nil
	}
	var none any
	_, err := t.one(ctx, "SELECT CAST(pg_notify(?, ?) AS TEXT)", []any{d.channel, message}, &none)
	return err
}
