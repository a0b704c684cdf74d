package recipe

// images are the images of one platform.
type images struct {
	byName map[string]*image
	idents map[identity]string // as far as they are known
}

// An identity is that of an image, or of its layers alone.
type identity struct {
	name   string
	config bool
}

func imagesOf(p platform) images {
	out := images{map[string]*image{}, map[identity]string{}}
	for i := range p.Images {
		out.byName[p.Images[i].Name] = &p.Images[i]
	}
	return out
}

// ident returns a digest of what an image is made of, whatever it is called; with config, of all of it, and otherwise of what its layers may
// depend on.
func (p images) ident(name string, config bool) string {
	i := p.byName[name]
	if i == nil {
		return "unknown " + name
	}
	key := identity{name, config}
	if known, ok := p.idents[key]; ok {
		return known
	}
	p.idents[key] = "in a cycle" // which only a damaged recipe has
	var all []string
	add := func(facts []fact) {
		for _, f := range facts {
			switch {
			case f.Image != "":
				all = append(all, f.Name, p.ident(f.Image, config && f.Name == baseName))
			case (f.Reach != ofConfig || config) && f.Name != publishName:
				all = append(all, sumOf(f))
			}
		}
	}
	add(i.Facts)
	for _, s := range i.Steps {
		add(s.Facts)
		s.Facts = nil
		all = append(all, s.sum())
	}
	p.idents[key] = sumOf(all)
	return p.idents[key]
}
