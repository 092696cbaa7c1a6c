package main

import (
	"strings"
	"testing"

	"provstation/station"
	"provstation/station/retire"
	"provstation/station/stationtest"
	"provstation/station/words"
)

// Every verdict about brokers and every state of a step has its words, in every language.
func TestRetireWords(t *testing.T) {
	brokers := []retire.Brokers{
		retire.BrokersOver, retire.BrokersOff, retire.BrokersListed, retire.BrokersNotYet, retire.BrokersScope, retire.BrokersStale,
		retire.BrokersEarly, retire.BrokersUnknown,
	}
	states := []station.StepState{
		station.StepBegun, station.StepDone, station.StepGone, station.StepOff, station.StepFailed, station.StepManual, "waits",
	}
	for _, locale := range words.Locales() {
		c, err := words.Load(locale)
		if err != nil {
			t.Fatal(err)
		}
		has := func(key string) {
			if got := c.Text(key, nil); got == key || strings.TrimSpace(got) == "" {
				t.Errorf("%s: %s has no words", locale, key)
			}
		}
		for _, b := range brokers {
			has("revoke.brokers." + string(b))
		}
		has("retire.fetched")
		has("retire.fetched.done")
		for _, s := range states {
			has("retire.state." + string(s))
		}
	}
}

// The sentences come in the language of the station.
func TestCertRevokeSpeaksGerman(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{})
	c := b.device("edge-1")
	got := cli(t, []string{"PROVSTATION_CONFIG=" + b.config, "LANG=de_DE.UTF-8"}, "cert", "revoke", "edge-1", "--yes").good(t)
	got.says(t, "Broker nehmen das Zertifikat an, bis es am "+c.leaf.NotAfter.UTC().Format("2006-01-02 15:04 UTC")+" abläuft")
}
