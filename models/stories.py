"""The story grammar: one hero, one helper, one thing and one place per story, kept through seven plots."""
from dataclasses import dataclass

from grammar import expand, invented_word

HE = 'Ben Tom Oskar Finn Otto Milo Hugo Leo Max Jasper Bruno Pip Theo Arlo Felix Sam Emil Anton Karl Noah Rufus Toby'.split()
SHE = 'Mira Tilda Nora Ada Luna Elsa Ruby Hazel Ivy Willa Posy Wren Anna Clara Ella Lily Greta Maya Rosa Stella Daisy Olive'.split()

KINDS = ('fox rabbit bear mouse owl hedgehog otter squirrel cat dog duck goat badger turtle frog lamb pony crow beaver mole '
         'goose sparrow deer wolf donkey').split()
MEN = 'boy shepherd baker tailor sailor farmer king'.split()
WOMEN = 'girl weaver gardener teacher painter miller queen'.split()
RARE_KINDS = ('dragon robot unicorn penguin lion tiger elephant monkey giraffe whale dolphin snail bee ant spider knight '
              'wizard witch princess prince pirate ghost giant elf troll parrot panda kangaroo camel zebra seal shark '
              'crab octopus horse cow pig sheep hen rooster swan eagle hawk bat rat hamster puppy kitten lizard snake').split()

MALE, FEMALE = {*MEN, 'prince', 'wizard', 'rooster'}, {*WOMEN, 'princess', 'witch', 'hen', 'cow'}

THINGS = ('lantern kite boat key bell drum map basket blanket hat mirror whistle book clock ring cup spoon scarf box seed '
          'feather shell ball umbrella flute coat ladder rope button candle').split()
RARE_THINGS = ('sword crown cake pie apple pumpkin flower star stone coin chest wagon bicycle train balloon telescope compass '
               'letter violin guitar piano pencil brush needle hammer bucket broom pillow chair teapot jar bottle bag shoe '
               'sock glove doll puzzle sled wheel mask flag cookie cheese carrot acorn egg nest gem potion wand cloak').split()

PLACES = {'forest': 'in the forest', 'village': 'in the village', 'meadow': 'in the meadow', 'garden': 'in the garden',
          'town': 'in the town', 'valley': 'in the valley', 'river': 'by the river', 'lake': 'by the lake', 'sea': 'by the sea',
          'harbour': 'at the harbour', 'mill': 'near the mill', 'hill': 'on the hill', 'mountain': 'on the mountain',
          'island': 'on the island', 'farm': 'on the farm', 'beach': 'at the beach', 'castle': 'in the castle',
          'bridge': 'near the bridge', 'city': 'in the city', 'desert': 'in the desert'}
TRAITS = ('small brave shy curious kind clever gentle cheerful quiet lonely young old careful stubborn friendly patient '
          'hungry sleepy proud noble playful busy').split()
LOOKS = 'red blue green yellow golden silver old new tiny shiny wooden round little beautiful strange heavy'.split()
FARAWAY = (
    'the old bridge', 'the tall oak', 'the dark cave', 'the quiet pond', 'the market', 'the stone wall',
    'the old well', 'the high hill', 'the long road', 'the wide field', 'the deep wood', 'the narrow path',
)


@dataclass
class Wish:
    """What a request may fix; None is free. `place` is a key of PLACES, `plot` one of PLOTS."""
    kind: str | None = None
    name: str | None = None
    trait: str | None = None
    friend: str | None = None  # kind of the helper
    thing: str | None = None
    look: str | None = None
    place: str | None = None
    plot: tuple | None = None


def person(rng, kind, name, avoid):
    """-> name, kind, and the pronouns he, him, his that go with them."""
    kind = kind or rng.choice([k for k in KINDS * 3 + MEN + WOMEN if k not in avoid])
    male = name in HE or not name and (kind in MALE or kind not in FEMALE and rng.random() < .5)
    name = name or rng.choice([n for n in (HE if male else SHE) if n not in avoid])
    return name, kind, *(('he', 'him', 'his') if male else ('she', 'her', 'her'))


def cast(rng, wish):
    """Slots of one story: n hero, k kind, t trait, he/him/his; the same of the helper: m, mk, t2, she/her/hers (of either
    gender); o thing, a its look; o2, a2 another thing; p where it happens, pl that place, q a place nearby."""
    n, k, he, him, his = person(rng, wish.kind, wish.name, (wish.friend,))
    m, mk, she, her, hers = person(rng, wish.friend, None, (n, k))
    place, o = wish.place or rng.choice(list(PLACES)), wish.thing or rng.choice(THINGS)
    a, t = wish.look or rng.choice(LOOKS), wish.trait or rng.choice(TRAITS)
    slots = dict(n=n, k=k, t=t, he=he, him=him, his=his, m=m, mk=mk,
                 t2=rng.choice([x for x in TRAITS if x != t]), she=she, her=her, hers=hers, o=o, a=a,
                 o2=rng.choice([x for x in THINGS if x != o]), a2=rng.choice([x for x in LOOKS if x != a]),
                 p=PLACES[place], pl='the ' + place, q=rng.choice(FARAWAY))
    return slots | {key.capitalize(): slots[key].capitalize() for key in ('he', 'his', 'she', 'hers')}


OPENING = (
    'Once upon a time, there was a {t} {k} named {n}. {He} lived {p}.',
    'Once upon a time, {p}, there lived a {t} {k} [called|named] {n}.',
    'In a [small|little|warm|quiet] house {p} lived {n}, a {t} {k}.',
    '{n} was a {t} {k} who lived {p}.',
    'A long time ago, a {t} {k} called {n} lived {p}.',
    'There was once a {t} {k}. {His} name was {n}, and {he} lived {p}.',
    'Not far from {q}, {p}, lived a {t} {k} [called|named] {n}.',
)
WHEN = ('[One day|One morning|One evening|One [cold|warm|bright|windy|grey] [morning|day]|'
        'One [spring|summer|autumn|winter] [morning|day]]')
MEET = (
    'Near {q} {he} met {m}, a {t2} {mk}.',
    'Then a {t2} {mk} [came along|came by|came down the path]. {Hers} name was {m}.',
    'On the way {he} met a {t2} {mk} [called|named] {m}.',
    'At {q} {he} saw {m}, the {t2} {mk}.',
    'Just then {m} the {mk} [looked out from behind a tree|came out of {hers} house|came around the corner].',
)
ASK = (
    '"[Why are you so sad|What is the matter|What is wrong|Why do you look so sad], {n}?" [asked {m}|{she} '
    'asked|asked the {mk}].',
    '"You look [sad|worried|tired]," said {m}. "[What happened|What is wrong|Can I help you]?"',
)
OFFER = (
    '"[Do not cry|Do not worry|Do not be sad]," said {m}. "[I will help you|We will do it together|Two can do more '
    'than one]."',
    '"I can help you," said {m}[ kindly| with a smile|].',
    '{m} thought for a while. "[I have an idea|I know what to do|Let us try together]," {she} said.',
)
GLAD = (
    '{n} was so [happy|glad] that {he} [danced|laughed|sang a little song|jumped for joy].',
    '"Thank you, {m}!" said {n}. "You are a [true|good|real] friend."',
    '{n} [laughed|smiled] and thanked the {mk} [again and again|with all {his} heart|many times].',
    '"I will never forget this," said {n}, and {he} [gave {m} a big hug|smiled at {m}].',
)
ENDING = (
    'From that day on, {n} and {m} were [the best of friends|good friends|friends forever].',
    'And every [evening|night|summer|winter] they [sat together|told stories|drank tea] {p} and [laughed|talked] '
    'about the {o}.',
    'That night {n} slept well, with the {o} [beside {him}|next to {his} bed].',
    'And if you go to {pl} today, you [may|might] still [see|meet] {n} and {m} there.',
    'And {n} learned that [a good friend is worth more than anything|even a {t} {k} can do great things|it is good '
    'to ask for help|a small kindness goes a long way|nobody has to be alone].',
    'And so the {o} stayed {p}, and [everyone was happy|everyone knew the story of {n}|they all lived happily].',
)

LOST = (
    OPENING,
    ('{He} had a {a} {o} that {he} loved [very much|more than anything].',
     'More than anything, {he} loved {his} {a} {o}.',
     '{His} [grandmother|grandfather|mother|father] had given {him} a {a} {o}, and {he} took it everywhere.'),
    (WHEN + ', {he} [could not find|lost] {his} {o}. {He} looked [under the bed|behind the door|in every corner], but it '
     'was [gone|not there].',
     WHEN + ', a strong wind took the {o} and carried it away.',
     WHEN + ', the {o} fell into the water near {q}, and the water carried it away.',
     WHEN + ', {he} woke up and the {o} was gone.'),
    ('{n} was very sad. {He} [walked|went|ran] to {q} and looked for the {o} there.',
     '{n} looked everywhere {p}, but {he} could not find it.',
     '"Where is my {o}?" cried {n}. {He} looked and looked until [the sun went down|{he} was tired|it was dark].'),
    MEET,
    ASK,
    ('"I lost my {o}," said {n}. "[I have looked everywhere|I cannot find it|It was {a}, and I loved it]."',
     '"My {o} is gone," said the {k}[ sadly| in a quiet voice|].'),
    OFFER,
    ('Together they [searched|looked] near {q}. There, [under a leaf|in the tall grass|between two stones|behind a '
     'bush], was the {o}!',
     'They [walked|went] all the way to {q}, and there they found the {a} {o} [in the grass|under a tree|on a '
     'stone].',
     '"I saw a {a} {o} near {q}," said {m}. They ran there, and there it was!'),
    GLAD,
    ENDING,
)

FOUND = (
    OPENING,
    (WHEN + ', {he} found a {a} {o} near {q}.',
     WHEN + ', while {he} was walking to {q}, {he} saw something in the grass. It was a {a} {o}.',
     WHEN + ', {he} found something strange {p}: a {a} {o}.'),
    ('"[Whose {o} is this|Who lost this {o}|Where does this {o} come from]?" [said|wondered|asked] {n}.',
     '{He} had never seen such a {a} {o} before.',
     '{He} liked the {o} very much, but {he} knew that it was not for {him} to keep.'),
    ('{n} wanted to find out who had lost it, so {he} [asked everyone|went from house to house|walked] {p}.',
     'So {n} took the {o} and went to look for the one who had lost it.',
     '"Someone must be looking for it," {he} thought, and {he} [set off|went out] to ask.'),
    ('The first one {he} asked only shook [a sleepy head|a grey head]. The second one did not know either.',
     'Nobody knew. Nobody had lost a {o}.',
     'It was a long way, and the {o} was heavy, but {n} did not give up.'),
    ('At {q} {he} met {m}, a {t2} {mk}, who was [crying|looking for something|very sad].',
     'At last {he} came to {q}. There sat a {mk} called {m}, and {she} [was crying|looked very sad].'),
    ('"I have lost my {o}," said {m}.',
     '"Have you seen a {a} {o}?" asked {m}. "I lost it [yesterday|last night|this morning]."'),
    ('"[Is this it|Is this your {o}]?" [said|asked] {n}.',
     '{n} smiled and held out the {o}. "Here it is," {he} said.',
     '"Then this must be yours," said {n}, and {he} gave {her} the {o}.'),
    ('{m} was so [happy|glad] that {she} [laughed and cried at the same time|danced around the {k}|could not speak].',
     '"Thank you!" said {m}. "You are [very kind|a good {k}|the kindest {k} I know]."',
     '{m} gave {n} a {a2} {o2} to say thank you.'),
    ENDING,
)

BROKEN = (
    OPENING,
    ('{He} had a {a} {o}, and [everyone {p} liked it|{he} used it every day|{he} was very proud of it].',
     '{His} {o} was the [best|most beautiful] thing {he} had.'),
    (WHEN + ', the {o} fell to the ground and broke.',
     WHEN + ', {he} [sat down on|dropped|stepped on] the {o}, and it broke[ in two| into three pieces|].',
     WHEN + ', {n} saw that {his} {o} was broken.'),
    ('"Oh no!" cried {n}. "[What will I do now?|How can I ever mend it?|My poor {o}!]"',
     '{n} tried to mend it, but [the pieces would not stay together|it only got worse|{he} did not know how].'),
    ('So {he} put the {o} into a bag and walked to {q}.',
     '{He} was sad [all day|all morning], and {he} did not want to play.',
     '{He} asked [everyone|all the neighbours], but nobody could mend a {o}.'),
    MEET,
    ASK,
    ('"My {o} is broken," said {n}.', '{n} showed {her} the broken {o}.'),
    ('"I know how to mend a {o}," said {m}. "[But you must help me|It only takes time|Hold this for me]."',
     '"Let me see," said {m}. {She} turned the {o} around [twice|three times] and [smiled|nodded].'),
    ('They worked [all day|all night|until the stars came out], and [at last|in the end] the {o} was whole again.',
     'With a little [glue|string|wood] and a lot of [patience|time], they mended the {o}.',
     '{m} held the pieces, and {n} tied them together with [string|a piece of rope|a strong thread]. Now the {o} '
     'was [better than before|as good as new].'),
    GLAD,
    ENDING,
)

WANTED = (
    OPENING,
    ('{n} had always wanted a {o}.',
     'More than anything, {n} wished for a {a} {o}.',
     'There was only one thing {he} wanted: a {a} {o} of {his} own.'),
    ('But a {o} was [hard to find|not cheap], and {n} had [no money|only two coins|nothing but an old coat].',
     'But nobody {p} had a {o}.',
     '"A {o} is not for a {t} {k}," the others said.'),
    (WHEN + ', {he} heard that {m}, a {t2} {mk}, had one. So {he} went to {q} to see {her}.',
     WHEN + ', {he} met {m}, a {t2} {mk}, who had a {a} {o}.'),
    ('"[May I have your {o}|Will you give me your {o}|How can I get a {o} like that]?" asked {n}.',),
    ('"If you help me for [three days|a week|one day], it is yours," said {m}.',
     '"Help me [carry the wood|pick the apples|clean the house|paint the door], and I will give it to you," said '
     'the {mk}.'),
    ('{n} worked hard. {He} [carried water|swept the floor|chopped wood|picked apples] from morning to night.',
     'It was hard work, but {n} did not [stop|complain|give up].',
     'Every day {n} came back and [helped|worked], and every day they [talked|laughed] a little more.'),
    ('In the end {m} smiled and gave {him} the {o}.',
     '"You have earned it," said {m}, and {she} gave the {o} to {n}.',
     'When the work was done, {m} put the {a} {o} in front of {him}.'),
    ('{n} was the happiest {k} {p}.',
     '"It is even better than I thought," said {n}.',
     '{n} could not believe it. "Is it really mine?" {he} asked.'),
    ENDING,
)

STORM = (
    OPENING,
    ('{He} had a {a} {o} that {he} always carried with {him}.',
     'Wherever {he} went, {he} took {his} {a} {o} with {him}.'),
    (WHEN + ', [a great storm came|it began to snow|a thick fog came down|it rained and rained], and nobody {p} could see '
     'the way.',
     WHEN + ', dark clouds came over {pl}, and it [became very dark|began to rain hard].'),
    ('Then {n} heard a cry for help. It was {m}, a {t2} {mk}, who was lost near {q}.',
     '"Help!" cried a voice from {q}. It was {m}, the {t2} {mk}.',
     'Everyone was at home, but {m}, a {t2} {mk}, was still out near {q}.'),
    ('{n} was afraid, but {he} took {his} {o} and went out [into the storm|into the dark].',
     '"I must [go and help|do something]," said {n}. {He} took the {o} and ran out.',
     'Nobody wanted to go outside. Only {n} took {his} {o} and went.'),
    ('The way was long, and [the wind was cold|the path was wet|{his} feet were cold], but {he} did not turn back.',
     '"[I am coming|Where are you|Do not be afraid], {m}!" {he} called.'),
    ('At last {he} found {m} [under a tree|behind a rock|in a hole], [cold and wet|tired and afraid].',
     'There, near {q}, sat {m}, [cold and wet|tired and afraid].'),
    ('"Hold on to my {o}," said {n}, and {he} [pulled|led] {her} [out|home|back to the path].',
     'With the help of the {o} they found the way [home|back].',
     '"[Take my {o}|Stay close to me]," said {n}. Step by step they walked home.'),
    ('When they were home, they [drank hot tea|ate warm soup|sat by the fire] and [laughed|told stories].',
     '"You saved me," said {m}. "You are the bravest {k} I know."',
     'The next morning everyone {p} [thanked|cheered for] {n}.'),
    ENDING,
)

QUARREL = (
    OPENING,
    ('{His} best friend was {m}, a {t2} {mk}. They played together every day.',
     '{n} had a good friend, a {t2} {mk} called {m}.'),
    (WHEN + ', they found a {a} {o} near {q}.',
     WHEN + ', the two friends saw a {a} {o} [on the path|in the grass].'),
    ('"It is mine! I saw it first," said {n}.', '"I want to keep it," said {n}.'),
    ('"No, it is mine!" said {m}.',
     '"No, I want it," said {m}[ angrily|]. "I touched it first."'),
    ('They [pulled|shouted and pulled] until [both fell down|the {o} fell to the ground|they were tired].',
     'They were so angry that they did not speak [for a whole day|for three days|until the evening].',
     '{n} took the {o} and went home alone.'),
    ('But that evening {n} was [lonely|sad]. A {o} is no fun when you are alone.',
     'At home {n} looked at the {o}. It did not make {him} happy.',
     '{n} thought of all the good days with {m}, and {he} was sorry.'),
    ('The next day {he} went to {m} and said, "I am sorry. [Let us share it|The {o} can belong to both of us|You '
     'can have the {o}]."',
     '"I am sorry, {m}," said {n} the next morning. "A friend is [better|worth more] than a {o}."'),
    ('"I am sorry too," said {m}[, and {she} smiled|].',
     '{m} [smiled|laughed]. "[Let us use it together|It is more fun with two]," {she} said.'),
    ('So they took turns: one day it was {n}, and the next day it was {m}.',
     'After that, the {o} belonged to both of them.',
     'They took the {o} to {q} and played until the sun went down.'),
    ENDING,
)

GIFT = (
    OPENING,
    (WHEN + ', {he} made a {a} {o} for {m}, a {t2} {mk} who lived [behind|beyond|near] {q}.',
     '{His} friend {m}, a {t2} {mk}, lived far away, near {q}. ' + WHEN + ', {n} wanted to bring {her} a {a} {o}.'),
    ('{He} put the {o} into a bag and [set off|started walking].',
     '{He} [packed some bread|ate a good breakfast], took the {o}, and set off.'),
    ('Soon {he} came to a [wide|deep|fast] river. There was no bridge.',
     'Soon the path went up a [high|steep] hill, and the {o} was heavy.',
     'Soon it got dark, and {he} could not see the way.'),
    ('{n} sat down and thought. Then {he} had an idea.',
     '"I will not give up," said {n}.',
     'An old [woman|man|goat|crow] [saw {him} and laughed|watched {him}]. "You will never get there," [said the '
     'old one|the old one said].'),
    ('{He} [found a log and pushed it into the water|made a small boat|waited for the moon|took one small step '
     'after the other], and [that was enough|it worked|so {he} went on].',
     '{He} went slowly and carefully, and [after a while|in the end] the worst was over.'),
    ('At last {he} saw the house of {m}.', 'In the evening {he} stood at the door of {m} and knocked.'),
    ('"{n}! You came all this way!" cried {m}.', '{m} opened the door. "What a surprise!" {she} said.'),
    ('"This {o} is for you," said {n}.', '{n} gave {her} the {o}. "It is for you," {he} said.'),
    ('{m} had never had such a {a} {o}. {She} [laughed|danced] for joy.',
     '"It is the best {o} in the world," said {m}.'),
    ENDING,
)

PLOTS = (LOST, FOUND, BROKEN, WANTED, STORM, QUARREL, GIFT)


TINY = (
    '{n} the {t} {k} found a {a} {o} {p}. {He} gave it to {m}, a {t2} {mk} who had lost it. From that day on they '
    'were friends.',
    'Once upon a time, a {t} {k} called {n} lost a {a} {o} {p}. {m} the {mk} found it near {q}. "Thank you," said '
    '{n}, and they both laughed.',
    'A {t} {k} named {n} {p} had a {a} {o}, but one day it broke. {m}, a {t2} {mk}, helped to mend it. {n} was '
    'happy again.',
    '{n}, a {t} {k}, wanted a {a} {o}. {He} helped {m} the {mk} [for a week|for three days], and {m} gave {him} '
    'one. {n} [smiled|laughed] all the way home.',
    'It was dark {p}. {n} the {k} took {his} {a} {o} and went out to find {m}, a {t2} {mk} who was lost. Together '
    'they came home.',
)


def tell(rng, wish=Wish(), tiny=False):
    """-> (story, its slots). A tiny story has three sentences; others have one or two paragraphs."""
    slots = cast(rng, wish)
    if tiny:
        return expand(rng, rng.choice(TINY), slots), slots
    sentences = [expand(rng, rng.choice(step), slots) for step in wish.plot or rng.choice(PLOTS)]
    cut = rng.randrange(3, len(sentences) - 2) if rng.random() < .5 else len(sentences)
    return '\n\n'.join(' '.join(part) for part in (sentences[:cut], sentences[cut:]) if part), slots


def random_wish(rng):
    """What a user may ask for: mostly what the grammar knows, sometimes rare or invented nouns."""
    def noun(known, rare):
        draw = rng.choices((lambda: rng.choice(known), lambda: rng.choice(rare), lambda: invented_word(rng)), (6, 4, 1))[0]
        return draw()

    asked = rng.choices(('kind', 'kind thing', 'kind friend', 'thing', 'kind place', 'kind name', 'place', 'name',
                         'friend thing kind', 'kind thing place', ''), (5, 7, 3, 3, 2, 2, 1, 1, 1, 1, 3))[0].split()
    wish = Wish(kind=noun(KINDS + MEN + WOMEN, RARE_KINDS) if 'kind' in asked else None,
                name=rng.choice(HE + SHE) if 'name' in asked else None,
                friend=noun(KINDS, RARE_KINDS) if 'friend' in asked else None,
                thing=noun(THINGS, RARE_THINGS) if 'thing' in asked else None,
                place=rng.choice(list(PLACES)) if 'place' in asked else None)
    if wish.kind and rng.random() < .2:
        wish.trait = rng.choice(TRAITS)
    if wish.thing and rng.random() < .3:
        looks = (rng.choice(LOOKS), None), (rng.choice(LOOKS), None)
        wish.look, wish.plot = rng.choice((*looks, (None, LOST), (None, BROKEN)))
    return wish


if __name__ == '__main__':
    import random
    for _ in range(8):
        print(tell(random.Random())[0], end='\n\n----\n')
