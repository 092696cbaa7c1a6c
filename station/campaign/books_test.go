package campaign_test

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// rows of the ledger, as far as the oracle looks at them.
type (
	runRow  struct{ run, serial, outcome, proof, code, leaf, spki, id string }
	postRow struct {
		post, state, csr, id string
		begun                time.Time
	}
	keyRow struct{ spki, serial, enroll string }
)

// books is what the ledger's tables hold.
type books struct {
	runs    map[string]runRow
	posts   []postRow
	keys    []keyRow
	serials map[string]bool // certificate serials
	proofs  map[string]bool // run or serial and leaf
	rows    map[receipt]bool
}

func readBooks(ctx context.Context, path string) (b books, err error) {
	b = books{runs: map[string]runRow{}, serials: map[string]bool{}, proofs: map[string]bool{}, rows: map[receipt]bool{}}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		return b, err
	}
	defer db.Close()
	each := func(query string, row func(scan func(...any) error) error) {
		if err != nil {
			return
		}
		rows, qerr := db.QueryContext(ctx, query)
		if qerr != nil {
			err = qerr
			return
		}
		defer rows.Close()
		for rows.Next() {
			if err = row(rows.Scan); err != nil {
				return
			}
		}
		err = rows.Err()
	}
	each(`SELECT run, coalesce(hardware_serial, ''), coalesce(outcome, ''), proof, code, lower(hex(coalesce(leaf, ''))),
		lower(hex(coalesce(spki, ''))), coalesce(device_id, '') FROM runs`, func(scan func(...any) error) error {
		var r runRow
		err := scan(&r.run, &r.serial, &r.outcome, &r.proof, &r.code, &r.leaf, &r.spki, &r.id)
		b.runs[r.run] = r
		return err
	})
	each("SELECT post, state, lower(hex(csr_digest)), device_id, begun_at FROM posts ORDER BY begun_at", func(scan func(...any) error) error {
		var p postRow
		var at int64
		err := scan(&p.post, &p.state, &p.csr, &p.id, &at)
		p.begun = time.UnixMicro(at)
		b.posts = append(b.posts, p)
		return err
	})
	each("SELECT lower(hex(spki)), hardware_serial, lower(hex(coalesce(enroll_id, ''))) FROM keys", func(scan func(...any) error) error {
		var k keyRow
		err := scan(&k.spki, &k.serial, &k.enroll)
		b.keys = append(b.keys, k)
		return err
	})
	each("SELECT cert_serial FROM certificates", func(scan func(...any) error) error {
		var s string
		err := scan(&s)
		b.serials[s] = true
		return err
	})
	each("SELECT hardware_serial, lower(hex(leaf)) FROM proofs", func(scan func(...any) error) error {
		var s, l string
		err := scan(&s, &l)
		b.proofs[s+" "+l] = true
		return err
	})
	for _, q := range receiptQueries {
		each(q, func(scan func(...any) error) error {
			var r receipt
			err := scan(&r)
			b.rows[r] = true
			return err
		})
	}
	return b, err
}

// receipt is a write that the ledger said it had done. The oracle finds each again in the tables.
type receipt string

func receiptOf(what string, key ...any) receipt {
	r := what
	for _, k := range key {
		if b, ok := k.([]byte); ok {
			k = fmt.Sprintf("%x", b)
		}
		r += fmt.Sprintf(" %v", k)
	}
	return receipt(r)
}

// receiptQueries give what there are receipts of, as receiptOf writes it.
var receiptQueries = []string{
	"SELECT 'run ' || run FROM runs",
	"SELECT 'known ' || run || ' ' || hardware_serial FROM runs WHERE hardware_serial IS NOT NULL",
	"SELECT 'finished ' || run || ' ' || outcome FROM runs WHERE outcome IS NOT NULL",
	"SELECT 'phase ' || run || ' ' || phase || ' ' || started_at || ' ' || status FROM phases",
	"SELECT 'device ' || hardware_serial || ' ' || device_id FROM devices WHERE device_id IS NOT NULL",
	"SELECT 'key ' || lower(hex(spki)) || ' ' || hardware_serial FROM keys",
	"SELECT 'post ' || post || ' ' || device_id FROM posts",
	"SELECT 'answered ' || post FROM posts WHERE state <> 'open'",
	"SELECT 'certificate ' || lower(hex(fingerprint)) FROM certificates",
	"SELECT 'proof ' || run || ' ' || lower(hex(leaf)) FROM proofs",
	"SELECT 'intent ' || intent || ' ' || kind FROM intents",
	"SELECT 'settled ' || intent FROM intents WHERE result IS NOT NULL",
	"SELECT 'refused ' || lower(hex(fingerprint)) FROM refused_certificates",
}
