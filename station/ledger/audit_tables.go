package ledger

// audited says how a table's rows go into the chain. keys name a row; persons hold a person's name, for which its
// pseudonym stands in the chain; derived is made of other columns and is checked against them instead; added came to the table
// when chains told of it already, with the value that the rows of that time have.
type audited struct {
	keys    []string
	persons []string
	derived string
	added   map[string]string
}

func (a audited) person(column string) bool {
	for _, p := range a.persons {
		if p == column {
			return true
		}
	}
	return false
}

// auditedTables gives what the chain tells of a table; ok is false for a table it does not know.
func auditedTables(table string) (a audited, ok bool) {
	switch table {
	case "runs":
		return audited{keys: []string{"run"}, persons: []string{"operator"}, derived: "search", added: map[string]string{"task": ""}}, true
	case "observations", "phases", "proofs":
		return audited{keys: []string{"run", "n"}}, true
	case "devices":
		return audited{keys: []string{"tenant", "hardware_serial"}}, true
	case "keys":
		return audited{keys: []string{"spki"}}, true
	case "wireguard_keys":
		return audited{keys: []string{"wireguard_key"}}, true
	case "posts":
		return audited{keys: []string{"post"}}, true
	case "certificates", "ca_certificates", "refused_certificates":
		return audited{keys: []string{"fingerprint"}}, true
	case "chains", "certificate_addresses":
		return audited{keys: []string{"leaf", "position"}}, true
	case "tunnel_addresses":
		return audited{keys: []string{"tenant", "address"}}, true
	case "batches":
		return audited{keys: []string{"tenant", "batch"}, persons: []string{"opened_by"}}, true
	case "batch_devices":
		return audited{keys: []string{"tenant", "batch", "line"}}, true
	case "batch_states":
		return audited{keys: []string{"tenant", "batch", "n"}, persons: []string{"by"}}, true
	case "overrides":
		return audited{keys: []string{"run"}, persons: []string{"operator", "lead"}}, true
	case "label_prints":
		return audited{keys: []string{"print"}, persons: []string{"operator"}}, true
	case "intents":
		return audited{keys: []string{"intent"}}, true
	case "collected":
		return audited{keys: []string{"tenant", "spki"}}, true
	case "resolutions":
		return audited{keys: []string{"run"}, persons: []string{"decided_by"}}, true
	case "revocations":
		return audited{keys: []string{"revocation"}, persons: []string{"asked_by"}}, true
	case "retirements":
		return audited{keys: []string{"retirement"}, persons: []string{"retired_by"}}, true
	case "retirement_steps":
		return audited{keys: []string{"retirement", "step"}}, true
	case "duplicates":
		return audited{keys: []string{"duplicate"}}, true
	case "pruned":
		return audited{keys: []string{"prune"}, persons: []string{"pruned_by"}}, true
	default:
		return audited{}, false
	}
}

// auditedNames are the tables of the chain, parents before children.
func auditedNames() []string {
	return []string{
		"runs", "observations", "phases", "devices", "keys", "wireguard_keys", "posts", "certificates", "ca_certificates",
		"chains", "certificate_addresses", "tunnel_addresses", "proofs", "batches", "batch_devices", "batch_states",
		"overrides", "label_prints", "intents", "refused_certificates", "collected", "resolutions", "pruned",
		"duplicates", "revocations", "retirements", "retirement_steps",
	}
}

// aside are the tables that no chain tells of: the chain's own, what the doctor writes, the schema's history, and what
// stations only lend each other or hand on.
func aside(table string) bool {
	switch table {
	case "audit", "audit_chains", "audit_checkpoints", "people_names", "write_check", "goose_db_version",
		"leases", "outbox", "merged":
		return true
	default:
		return false
	}
}
