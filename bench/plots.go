package main

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// quantiles are the points of a latency distribution, in percent.
var quantiles = []float64{0, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90, 92, 94, 95, 96, 97, 98, 98.5, 99, 99.3, 99.5, 99.7, 99.8, 99.9}

// picture is a plot in the document.
type picture struct {
	Name string // of the file
	Text string // what it shows
	plot *plot.Plot
}

const (
	plotWidth, plotHeight vg.Length = 648, 260 // points
	plotMargin            vg.Length = 10
	barWidth              vg.Length = 28
)

// legendSpace is how much longer than its bars a chart is, so that the legend covers none.
const legendSpace = 1.15

// Colors that differ in brightness too (Okabe and Ito).
var (
	blue   = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	orange = color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff}
	green  = color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff}
)

// pictures returns the plots of what was measured.
func (r *comparison) pictures() (all []picture, err error) {
	for _, one := range []struct {
		name string
		rate int
	}{{"push.low", r.Sizes.Low}, {"push.high", r.Sizes.High}} {
		p, err := r.latencies(one.name, one.rate)
		if err != nil {
			return nil, err
		}
		if p != nil {
			all = append(all, picture{"latency-" + one.name[len("push."):] + ".svg", p.Title.Text, p})
		}
	}
	p, err := r.loginCosts()
	if p != nil {
		all = append(all, picture{"login-cpu.svg", p.Title.Text, p})
	}
	return all, err
}

// writePictures writes the plots into a folder.
func writePictures(dir string, all []picture) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, one := range all {
		if err := os.WriteFile(filepath.Join(dir, one.Name), one.svg(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// svg draws the plot on white, with a margin.
func (p picture) svg() []byte {
	canvas := vgsvg.New(plotWidth, plotHeight)
	area := draw.New(canvas)
	area.SetColor(color.White)
	area.Fill(area.Rectangle.Path())
	p.plot.Draw(draw.Crop(area, plotMargin, -plotMargin, plotMargin, -plotMargin))
	var b bytes.Buffer
	_, _ = canvas.WriteTo(&b) // to memory
	// Few readers have these fonts. Arial is as wide.
	return bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif"))
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, vg.Points(6)
	for _, style := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.Legend.TextStyle.Font,
	} {
		style.Variant = "Sans"
	}
	p.Legend.Top, p.Legend.Left = true, true
	p.Legend.Padding = vg.Points(3)
	return p
}

// latencies plots the time until pages have their message; nil: not measured.
func (r *comparison) latencies(name string, rate int) (*plot.Plot, error) {
	p := newPlot(fmt.Sprintf("Time until a page has its message, %d per second over two nodes", rate))
	p.X.Label.Text, p.Y.Label.Text = "share of pages that have their message", "ms"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, msTicks{}
	var ticks plot.ConstantTicks
	for _, q := range []float64{0, 50, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9} {
		ticks = append(ticks, plot.Tick{Value: nines(q), Label: strconv.FormatFloat(q, 'f', -1, 64) + " %"})
	}
	p.X.Tick.Marker = ticks
	p.Add(plotter.NewGrid())
	found := false
	for _, one := range []struct {
		kind  kind
		text  string
		color color.Color
	}{
		{comparable, "comparable server, confirm", green}, {centrifuge, "centrifuge, bare publish", orange}, {scanlogin, "scanlogin, confirm", blue},
	} {
		values := r.Latencies[name+"/"+string(one.kind)]
		if len(values) != len(quantiles) {
			continue
		}
		points := make(plotter.XYs, len(values))
		for i, v := range values {
			points[i] = plotter.XY{X: nines(quantiles[i]), Y: v}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, err
		}
		line.Color, line.Width = one.color, vg.Points(2)
		p.Add(line)
		p.Legend.Add(one.text, line)
		found = true
	}
	if !found {
		return nil, nil
	}
	return p, nil
}

// nines maps percentiles to positions: 90, 99 and 99.9 percent are equally far apart.
func nines(percent float64) float64 { return -math.Log10(1 - percent/100) }

// msTicks are ticks at 1, 2 and 5 times powers of ten.
type msTicks struct{}

// Ticks implements plot.Ticker.
func (msTicks) Ticks(least, most float64) (all []plot.Tick) {
	for power := math.Pow(10, math.Floor(math.Log10(least))); power <= most; power *= 10 {
		for _, digit := range []float64{1, 2, 5} {
			all = append(all, plot.Tick{Value: digit * power, Label: strconv.FormatFloat(digit*power, 'g', 3, 64)})
		}
	}
	return all
}

// loginCosts plots the CPU time of a whole login; nil: not measured.
func (r *comparison) loginCosts() (*plot.Plot, error) {
	p := newPlot("CPU time of a whole login")
	p.X.Label.Text, p.X.Min = "ms", 0
	p.Legend.Left = false
	var names []string
	var nodes, redis plotter.Values
	for _, one := range []struct{ text, measure, kind string }{
		{"OpenID Connect", "oidc", string(scanlogin)}, {"plain", "login", string(scanlogin)}, {"plain, before", "login", string(before)},
	} {
		node, store := r.Figures[one.measure+".nodes/"+one.kind], r.Figures[one.measure+".redis/"+one.kind]
		if len(node) > 0 && len(store) > 0 {
			names, nodes, redis = append(names, one.text), append(nodes, median(node)), append(redis, median(store))
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	lower, err := plotter.NewBarChart(nodes, barWidth)
	if err != nil {
		return nil, err
	}
	upper, err := plotter.NewBarChart(redis, barWidth)
	if err != nil {
		return nil, err
	}
	lower.Horizontal, lower.Color = true, blue
	upper.Horizontal, upper.Color = true, orange
	upper.StackOn(lower)
	p.Add(lower, upper)
	p.Legend.Add("node", lower)
	p.Legend.Add("Redis", upper)
	p.NominalY(names...)
	p.Y.Width, p.Y.Tick.Width = 0, 0 // no lines; the labels keep their distance
	p.Y.Tick.Length = 12
	p.Y.Min, p.Y.Max = -0.5, float64(len(names))-0.5
	p.X.Max *= legendSpace
	return p, nil
}
