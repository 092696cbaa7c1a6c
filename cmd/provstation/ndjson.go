package main

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"provstation/station"
)

// writeNDJSON writes one JSON object a line until events ends. It returns the first error of writing and calls failed at
// once, so that the work ends with whoever asked for it; events are read to their end all the same.
func writeNDJSON(w io.Writer, events <-chan station.Event, failed func()) error {
	b := bufio.NewWriter(w)
	var first error
	for e := range events {
		if first != nil {
			continue
		}
		var line []byte
		if line, first = e.MarshalJSON(); first == nil { // an encoder would go through it once more
			_, first = b.Write(append(line, '\n'))
		}
		if first == nil && len(events) == 0 {
			first = b.Flush()
		}
		if first != nil {
			failed()
		}
	}
	if first != nil {
		return fmt.Errorf("write events: %w", first)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

// writeText tells people what happens, one line an event that matters.
func writeText(w io.Writer, events <-chan station.Event) {
	for e := range events {
		switch b := e.Body.(type) {
		case station.StationInfo:
			fmt.Fprintf(w, "station %s, tenant %s, bridge %s, broker %s\n", b.Station, b.Tenant, b.Bridge, b.Broker)
			if b.Interrupted > 0 {
				fmt.Fprintf(w, "%d runs had been cut; they are on record as interrupted\n", b.Interrupted)
			}
		case station.PortSeen:
			if b.Reason != "" {
				fmt.Fprintf(w, "%-12s %s: %s\n", b.Slot, b.Status, b.Reason)
			} else if b.Status != "listening" {
				fmt.Fprintf(w, "%-12s %s\n", b.Slot, b.Status)
			}
		case station.PhaseChanged:
			for _, warn := range b.Warnings {
				if b.Status == station.PhaseDone {
					fmt.Fprintf(w, "%-12s note: %s\n", b.Slot, warn.Text)
				}
			}
		case station.RunEnded:
			writeEnd(w, b)
		case station.LedgerChanged:
			writeLedger(w, b)
		case station.DuplicateFound:
			writeDuplicate(w, b)
		case station.Summary:
			fmt.Fprintf(w, "%d devices: %d PASS, %d FAIL, %d ERROR, %d TIMEOUT, %d ABORTED, %d INSTALLED, %d SKIPPED, %d UNCERTAIN in %s\n",
				b.Devices, b.Pass, b.Fail, b.Error, b.Timeout, b.Aborted, b.Installed, b.Skipped, b.Uncertain, ms(b.ElapsedMS))
			if b.Collected > 0 {
				fmt.Fprintf(w, "%d COLLECTED: their requests wait for `provstation relay`\n", b.Collected)
			}
			if b.Adopted > 0 {
				fmt.Fprintf(w, "%d carried on from an earlier run: %d keys, %d certificates, %d sets of files, %d proofs taken over\n",
					b.Adopted, b.AdoptedKeys, b.AdoptedCertificates, b.AdoptedFiles, b.AdoptedProofs)
			}
		}
	}
}

func writeEnd(w io.Writer, b station.RunEnded) {
	name := b.DeviceID
	if name == "" {
		name = b.HardwareSerial
	}
	fmt.Fprintf(w, "%-12s %-9s %s in %s", b.Slot, b.Outcome, name, ms(b.ElapsedMS))
	if b.Proof != "" {
		fmt.Fprintf(w, ", %s", b.Proof)
	}
	if b.NotAfter != nil {
		fmt.Fprintf(w, ", valid until %s", b.NotAfter.Format(time.RFC3339))
	}
	if b.Adopted != "" {
		fmt.Fprintf(w, ", taken over: %s", b.Adopted)
	}
	fmt.Fprintln(w)
	if b.Code != "" && b.Outcome != station.Pass {
		fmt.Fprintf(w, "%-12s   %s %s\n", "", b.Code, b.Message)
		if b.Hint != "" {
			fmt.Fprintf(w, "%-12s   next: %s\n", "", b.Hint)
		}
	}
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
