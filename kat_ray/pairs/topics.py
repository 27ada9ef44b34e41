"""Two dozen topics in plain English: the vocabulary of the demonstration corpus. Words only; sentences stand in
`sentences`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """Words of one topic: `acts` take a thing ("bake sourdough bread"), `troubles` follow one ("turns out too dry")."""

    name: str
    things: tuple[str, ...]
    acts: tuple[str, ...]
    troubles: tuple[str, ...]
    settings: tuple[str, ...]


def _topic(name: str, things: str, acts: str, troubles: str, settings: str) -> Topic:
    return Topic(name, *(tuple(words.split(", ")) for words in (things, acts, troubles, settings)))


TOPICS = (
    _topic(
        "cooking",
        "sourdough bread, tomato soup, roast chicken, mushroom risotto, lentil curry, apple pie, fried rice, "
        "beef stew, "
        "pizza dough, caramel sauce, potato gratin, vegetable stock, pancake batter, grilled salmon",
        "cook, season, prepare, reheat, freeze, serve",
        "tastes bland, turns out too dry, burns at the edges, falls apart in the pan, gets soggy overnight",
        "in a small oven, on a gas stove, for eight guests, without butter, for a vegetarian, on a weeknight",
    ),
    _topic(
        "python programming",
        "a nested dictionary, a pandas data frame, a generator function, an async task, a class hierarchy, "
        "a text file, "
        "a unit test, a decorator, a virtual environment, a list comprehension, a command line script, a regex pattern",
        "write, debug, refactor, type-check, profile, document",
        "raises a KeyError, is far too slow, leaks memory, returns None, fails on Windows, throws an import error",
        "in Python 3, in a Jupyter notebook, with pytest, inside a web server, without third-party packages, on Linux",
    ),
    _topic(
        "job applications",
        "a cover letter, a resume, a LinkedIn profile, a salary negotiation, a phone interview, a reference letter, "
        "a portfolio, a thank-you email, a career change, a resignation letter, an employment gap, a panel interview",
        "prepare, write, improve, explain, practise, present",
        "gets no answer, sounds too modest, is two pages too long, goes badly, looks unprofessional, feels generic",
        "for a remote position, as a recent graduate, at a startup, for a nursing job, after a layoff, "
        "in public service",
    ),
    _topic(
        "gardening",
        "tomato plants, rose bushes, a herb bed, a compost heap, strawberry runners, a lawn, raised beds, tulip bulbs, "
        "fruit trees, lavender, seedlings, a vegetable patch",
        "plant, prune, water, fertilize, mulch, protect",
        "wilts in the sun, gets eaten by slugs, grows too leggy, has yellow leaves, never flowers, rots at the roots",
        "in clay soil, on a shady balcony, in early spring, in a dry summer, without pesticides, in a greenhouse",
    ),
    _topic(
        "personal finance",
        "a monthly budget, an index fund, a mortgage, student loans, an emergency fund, a credit card, a pension plan, "
        "a tax return, a savings account, health insurance, government bonds, a car loan",
        "choose, compare, manage, pay off, review, understand",
        "costs more than expected, loses value, has hidden fees, hurts my credit score, is hard to cancel",
        "on a low income, in my thirties, before retirement, with two children, as a freelancer, during high inflation",
    ),
    _topic(
        "travel",
        "a train ticket, a city break, a youth hostel, a road trip, a travel visa, a ferry crossing, a guided tour, "
        "a carry-on suitcase, an airport transfer, a beach holiday, a rental car, a rail pass",
        "book, plan, pack for, cancel, find, organize",
        "gets cancelled at short notice, is fully booked, turns out overpriced, takes a whole day, needs a deposit",
        "in Portugal, across the Alps, with small children, on a tight budget, in the off season, through Japan",
    ),
    _topic(
        "fitness",
        "push-ups, a running plan, squats, a stretching routine, a rowing machine, a marathon, kettlebell swings, "
        "pull-ups, swimming laps, yoga poses, interval training, a warm-up",
        "start, do, improve, train for, combine, recover from",
        "hurts my knees, makes my back sore, gets boring, shows no progress, leaves me exhausted",
        "after an injury, at home, three times a week, over fifty, before breakfast, without equipment",
    ),
    _topic(
        "world history",
        "the Roman Republic, the Silk Road, the French Revolution, the Ottoman Empire, the Black Death, feudal Japan, "
        "the Industrial Revolution, the Mongol invasions, the Hanseatic League, the Cold War, ancient Egypt, the Incas",
        "explain, summarize, date, describe, teach, put into context",
        "declined so quickly, is still disputed, changed trade for ever, is often misunderstood, ended in war",
        "for a school essay, from the view of peasants, in its economic setting, in one paragraph, "
        "using primary sources",
    ),
    _topic(
        "astronomy",
        "a neutron star, the rings of Saturn, a lunar eclipse, the Milky Way, a supernova, an exoplanet, dark matter, "
        "the solar wind, a comet, the event horizon, a red giant, the Andromeda galaxy",
        "observe, explain, photograph, measure, simulate, describe",
        "emits so much light, cannot be seen directly, spins so fast, looks blurred, changes its brightness",
        "with a small telescope, from the southern hemisphere, with the naked eye, for a physics class, from orbit",
    ),
    _topic(
        "dogs and cats",
        "a puppy, an old cat, a rescue dog, a litter box, a nervous terrier, two kittens, a leash, dry cat food, "
        "a scratching post, a barking dog, a vet visit, a long-haired cat",
        "train, feed, groom, calm, introduce, choose",
        "bites at night, refuses to eat, scratches the sofa, pulls all the time, is afraid of strangers",
        "in a small flat, with a baby in the house, during fireworks, when I am at work, after surgery",
    ),
    _topic(
        "car repair",
        "brake pads, a flat tyre, the timing belt, an oil filter, a dead battery, the clutch, spark plugs, "
        "the radiator, "
        "a wheel bearing, the exhaust, an alternator, the windscreen wipers",
        "replace, check, repair, clean, diagnose, tighten",
        "squeals at low speed, leaks fluid, overheats uphill, will not start, rattles when cold, smells of petrol",
        "in an old diesel, at the roadside, without a lift, before the inspection, in winter, on a pickup truck",
    ),
    _topic(
        "home repair",
        "a leaking tap, drywall, kitchen tiles, a wooden floor, a loose door hinge, roof shingles, a bathroom fan, "
        "window frames, a light switch, a blocked drain, wallpaper, a garden fence",
        "fix, paint, seal, install, replace, sand",
        "drips all night, cracks again after a week, smells of mould, is not level, comes loose, squeaks",
        "in a rented flat, in an old house, without power tools, over a weekend, above the bathtub, on a damp wall",
    ),
    _topic(
        "music practice",
        "barre chords, piano scales, a violin bow, sight reading, a drum fill, a jazz solo, vocal warm-ups, "
        "a metronome, the circle of fifths, a bass line, a choir part, fingerpicking",
        "practise, learn, tune, memorize, play, record",
        "sounds muffled, is always too fast, buzzes on the third string, strains my wrist, goes out of tune",
        "as an adult learner, without a teacher, on an acoustic guitar, with a band, in a noisy house",
    ),
    _topic(
        "photography",
        "a portrait, the night sky, a wedding photo, a macro lens, a tripod, raw files, a street scene, a zoom lens, "
        "depth of field, a landscape at dawn, an old film camera, a studio flash",
        "shoot, edit, expose, focus, crop, print",
        "comes out blurred, is overexposed, has a colour cast, looks flat, shows too much noise",
        "in low light, on a phone, against the sun, with a cheap camera, in black and white",
    ),
    _topic(
        "language learning",
        "Spanish verbs, French pronunciation, German cases, English articles, Japanese kanji, Mandarin tones, "
        "Italian grammar, a vocabulary list, listening exercises, a language exchange, subtitles, spelling rules",
        "learn, practise, remember, teach, review, understand",
        "slips my mind, sounds unnatural, has too many exceptions, confuses native speakers, bores my students",
        "in six months, before moving abroad, for an exam, with flash cards, as a shy person, in a group",
    ),
    _topic(
        "tenancy law",
        "a rental deposit, an eviction notice, a lease, a noisy neighbour, a rent increase, a broken heater, a sublet, "
        "a repair request, the landlord, a moving-out inspection, a shared flat, a small claims case",
        "challenge, document, negotiate, report, terminate, settle",
        "is withheld without reason, came without notice, violates the contract, drags on for months",
        "without a lawyer, in a big city, as a student, in writing, after ten years, in council housing",
    ),
    _topic(
        "sleep and health",
        "a sleep schedule, a migraine, hay fever, a blood test, high blood pressure, insomnia, vitamin D, "
        "a sore throat, "
        "lower back pain, caffeine, a flu shot, seasonal allergies",
        "treat, prevent, track, understand, manage, discuss",
        "gets worse at night, keeps coming back, makes me tired, does not respond to pills, worries my doctor",
        "during pregnancy, while working shifts, without medication, in old age, on long flights",
    ),
    _topic(
        "parenting",
        "bedtime, a toddler tantrum, screen time, homework, a picky eater, potty training, sibling rivalry, "
        "a teenager, "
        "pocket money, a kindergarten start, bullying at school, household chores",
        "handle, talk about, plan, set limits for, understand, reward",
        "ends in tears, takes an hour every evening, got worse after the move, leads to shouting",
        "as a single parent, with twins, after a divorce, on holiday, when both parents work",
    ),
    _topic(
        "fiction writing",
        "a villain, a plot twist, a first chapter, dialogue, a love story, a magic system, an unreliable narrator, "
        "a short story, a detective, a flashback, world building, an ending",
        "write, outline, revise, shorten, open, develop",
        "feels predictable, drags in the middle, sounds wooden, confuses my readers, comes out of nowhere",
        "in the first person, for a fantasy novel, in under a thousand words, for young readers, in the style of noir",
    ),
    _topic(
        "school mathematics",
        "a quadratic equation, fractions, a triangle, the derivative of a polynomial, a probability tree, logarithms, "
        "a system of linear equations, prime numbers, an integral, percentages, a geometric series, matrices",
        "solve, simplify, graph, prove, factor, estimate",
        "has no real solution, gives a negative answer, divides by zero, does not match the textbook",
        "without a calculator, for grade nine, by hand, with a worked example, before the exam",
    ),
    _topic(
        "databases",
        "a SQL join, a primary key, a slow query, an index, a stored procedure, a schema migration, a backup, "
        "a transaction, a many-to-many relation, a window function, a connection pool, a view",
        "optimize, design, rewrite, test, monitor, roll back",
        "locks the whole table, times out, returns duplicate rows, breaks the foreign key, fills the disk",
        "in PostgreSQL, in MySQL, on a read replica, with ten million rows, in production, without downtime",
    ),
    _topic(
        "hiking",
        "a mountain trail, hiking boots, a tent, a water filter, a topographic map, a sleeping bag, a camp stove, "
        "a backpack, trekking poles, a river crossing, a bear canister, a rain jacket",
        "choose, pack, repair, use, carry, test",
        "leaks in heavy rain, gives me blisters, is too heavy, freezes at night, is closed until June",
        "above the tree line, on a three-day trip, in bear country, in the desert, with beginners",
    ),
    _topic(
        "weddings and parties",
        "a guest list, a wedding speech, a birthday cake, a seating plan, an invitation, a children's party, "
        "a budget venue, "
        "a bridal bouquet, party games, a surprise dinner, an anniversary, a playlist",
        "plan, write, organize, arrange, decorate, postpone",
        "goes over budget, upsets my in-laws, clashes with another date, gets rained out, is far too long",
        "for fifty people, in a backyard, on short notice, in winter, with divorced parents, without alcohol",
    ),
    _topic(
        "sewing and knitting",
        "a wool scarf, a zipper, a pair of socks, a summer dress, a quilt, cable stitches, a hem, a sewing machine, "
        "a cardigan, buttonholes, a tote bag, leftover yarn",
        "knit, sew, mend, wash, shorten, block",
        "curls at the edges, unravels, puckers along the seam, shrinks in the wash, is too tight",
        "by hand, for a newborn, with circular needles, from a vintage pattern, out of recycled fabric",
    ),
)
"""Ordered by size in the corpus: the first ones are the crowded ones."""
