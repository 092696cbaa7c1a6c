package board

import "provstation/station"

// people takes in what tells of persons, labels and batches.
func (b *Board) people(body station.Body) {
	switch e := body.(type) {
	case station.OperatorChanged:
		e.Operator = Clean(e.Operator, maxWord)
		b.Operator = e
	case station.BatchChanged:
		e.Devices = nil
		e.Batch, e.By, e.Reason = Clean(e.Batch, maxWord), Clean(e.By, maxWord), Clean(e.Reason, maxText)
		b.Batch = e
	case station.ScanWanted:
		if s := b.slot(e.Slot); s != nil && s.Run == Clean(e.Run, maxWord) {
			s.WantsScan, s.Refused, s.RefusedNext = e.Wanted, "", ""
			s.Revision++
		}
	case station.ScanTaken:
		b.scanned(e)
	case station.LearnChanged:
		e.Slot, e.Key, e.Port, e.Reason = Clean(e.Slot, maxWord), Clean(e.Key, maxWord), Clean(e.Port, maxWord), Clean(e.Reason, maxText)
		b.Learn = e
	case station.LabelPrinted:
		b.printed(e)
	}
}

func (b *Board) scanned(e station.ScanTaken) {
	e.Text, e.Slot, e.DeviceID = Clean(e.Text, maxWord), Clean(e.Slot, maxWord), Clean(e.DeviceID, maxWord)
	e.HardwareSerial, e.Command = Clean(e.HardwareSerial, maxWord), Clean(e.Command, maxWord)
	e.Message, e.Hint, e.Params = Clean(e.Message, maxText), Clean(e.Hint, maxText), nil
	b.Scan = e
	b.Scans++
	if s := b.byName[e.Slot]; s != nil && s.WantsScan && e.Kind == station.ScanLabel {
		s.WantsScan = e.Code != "" // one that was taken is wanted no more, whenever the run says so itself
		s.Refused, s.RefusedNext = e.Message, e.Hint
		s.Revision++
	}
}

func (b *Board) printed(e station.LabelPrinted) {
	e.Slot, e.DeviceID, e.HardwareSerial = Clean(e.Slot, maxWord), Clean(e.DeviceID, maxWord), Clean(e.HardwareSerial, maxWord)
	e.Template, e.Message, e.Params = Clean(e.Template, maxWord), Clean(e.Message, maxText), nil
	b.Label = e
	b.Labels++
	if s := b.byName[e.Slot]; s != nil && e.Code == "" && s.DeviceID == e.DeviceID {
		s.Copies = e.Copy
		s.Revision++
	}
}
