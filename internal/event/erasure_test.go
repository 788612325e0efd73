package event

import (
	"reflect"
	"testing"
)

func TestErasureRoundTrip(t *testing.T) {
	full := Erasure{ID: "id", WebsiteID: "w", Scope: ErasePerson, AskedAt: 1_700_000_000_000, AskedBy: "user a@example.com", Before: Forever, Visitors: []string{"ann", "größe"}}
	for _, in := range []Erasure{full, {}} {
		var out Erasure
		if err := out.DecodeErasure(in.AppendRecord(nil)); err != nil || !reflect.DeepEqual(in, out) {
			t.Errorf("got %+v, %v; want %+v", out, err, in)
		}
	}
	v := reflect.ValueOf(full)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("field %s has no value in the round trip test", v.Type().Field(i).Name)
		}
	}
	for _, subject := range full.Erased().Subjects {
		if got := ParseSubject(subject.SampleKey, subject.Text()); got != subject {
			t.Errorf("got %+v, want %+v", got, subject)
		}
	}
}

// TestWhatIsCovered: by site, time of receipt and visitor, in one erasure and in a set of them.
func TestWhatIsCovered(t *testing.T) {
	at := func(site, user string, received int64) *Event {
		return &Event{WebsiteID: site, UserID: user, SampleKey: SubjectOf(site, user).SampleKey, ReceivedAt: received}
	}
	ann := Erasure{ID: "1", WebsiteID: "w", Scope: EraseVisitor, Before: 100, Visitors: []string{"ann"}}
	later := Erasure{ID: "2", WebsiteID: "w", Scope: EraseVisitor, Before: 50, Visitors: []string{"ann", "bob"}}
	site := Erasure{ID: "3", WebsiteID: "gone", Scope: EraseSite, Before: Forever}
	var all Erasures
	for _, e := range []Erasure{ann, later, site} {
		all.Add(e.Erased())
	}
	for _, c := range []struct {
		e    *Event
		want bool
	}{
		{at("w", "ann", 99), true}, {at("w", "ann", 100), false}, {at("w", "bob", 49), true}, {at("w", "bob", 50), false},
		{at("w", "cy", 1), false}, {at("other", "ann", 1), false}, {at("gone", "whoever", 1<<50), true},
	} {
		if got := all.Covers(c.e); got != c.want {
			t.Errorf("%+v: %v", c.e, got)
		}
		one := false
		for _, e := range []Erasure{ann, later, site} {
			kept := e.Erased()
			one = one || kept.Covers(c.e)
		}
		if one != c.want {
			t.Errorf("%+v: one by one %v", c.e, one)
		}
	}
	collision := at("w", "cy", 1)
	collision.SampleKey = SubjectOf("w", "ann").SampleKey
	if all.Covers(collision) {
		t.Error("a visitor goes whose sample key is that of another")
	}
}
