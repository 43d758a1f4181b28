"""Conversations: stories on request with follow-ups, questions about Halcyon, small talk, sums, and what is beyond the model."""
import about
from grammar import expand, invented_word
from stories import BROKEN, LOST, PLACES, random_wish, tell

NUMBERS = ('zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen '
           'seventeen eighteen').split()


def vary(rng, question):
    """The same words as people type them: with a greeting, with please, in lower case, without the final mark."""
    if rng.random() < .12:
        question = expand(rng, '[Hi|Hello|Hey|Please|Okay|So|Good morning|Now][, |! |. ]') + question
    if rng.random() < .06 and question[-1] in '.?':
        question = question[:-1].rstrip() + expand(rng, '[,|] please') + question[-1]
    if rng.random() < .3:
        question = question.lower()
    if rng.random() < .3:
        question = question.rstrip('.?! ')
    return question


def topic(rng):
    """One exchange about Halcyon, the model, or nothing in particular."""
    questions, answers = rng.choice(about.TOPICS)
    return [(vary(rng, expand(rng, rng.choice(questions))), expand(rng, rng.choice(answers)))]


def beyond(rng):
    """A question that the model cannot answer, and its admission."""
    thing = lambda: invented_word(rng) if rng.random() < .3 else rng.choice(about.UNKNOWN_THINGS)
    question = rng.choice(about.UNKNOWN_QUESTIONS).replace('{c}', rng.choice(about.COUNTRIES))
    while '{x}' in question:
        question = question.replace('{x}', thing(), 1)
    question = expand(rng, question)
    return [(vary(rng, question[0].upper() + question[1:]), rng.choice(about.UNKNOWN_ANSWERS))]


# Question with {a} and {b}; the answer repeats the sum in the way it was asked.
SUM_IN_DIGITS = (
    '{a} + {b}', '{a}+{b}', '{a} + {b} =', '{a}+{b}=', '{a} + {b} = ?', '{a}+{b}=?', 'What is {a} + {b}?',
    'What is {a}+{b}?', "What's {a} + {b}?", 'How much is {a} + {b}?', 'Calculate {a} + {b}.', 'Add {a} and {b}.',
    'What is {a} plus {b}?', '{a} plus {b}', 'How much is {a} plus {b}?', 'Can you add {a} and {b}?',
    'What is the sum of {a} and {b}?', 'What do you get if you add {a} and {b}?', 'And {a} + {b}?',
    'Compute {a} + {b}.', 'What does {a} + {b} make?', 'Tell me {a} + {b}.', 'Do you know what {a} + {b} is?',
    'what is {a}+{b}', 'sum of {a} and {b}',
)
SUM_IN_WORDS = (
    'What is {a} plus {b}?', '{a} plus {b}', 'How much is {a} plus {b}?', 'Add {a} and {b}.',
    'What is the sum of {a} and {b}?', "What's {a} plus {b}?", '{a} and {b} is?', 'What is {a} and {b}?',
    'Can you add {a} and {b}?', 'Calculate {a} plus {b}.', 'And {a} plus {b}?', 'How much is {a} and {b}?',
)
NO_SUM = (
    'What is {a} [times|-|*|x|minus|divided by|/] {b}?', '{a} [*|-|/|x|times|minus] {b}',
    'How much is {a} [-|*|times|minus] {b}?', 'Multiply {a} by {b}.', 'Subtract {a} from {b}.',
    'What is the square root of {b}?', 'What is {c} + {b}?', '{c} + {b}', '{a} + {c}', '{c}+{c}',
    'How much is {c} plus {a}?', 'What is {c} plus {c}?', 'Add {c} and {a}.', 'What is {a} + {b} + {a}?',
    '{c} * {c}',
)
NO_SUM_ANSWERS = (
    'That is too hard for me. I can only add two numbers from 0 to 9.',
    'I cannot do that. I only know sums of two one-digit numbers.',
)


def sum_exchange(rng, a, b, in_words, question=None):
    """-> (question, answer) for a + b."""
    if in_words:
        names = dict(a=NUMBERS[a], b=NUMBERS[b])
        text = (question or rng.choice(SUM_IN_WORDS)).format(**names)
        return text[0].upper() + text[1:], f'{NUMBERS[a].capitalize()} plus {NUMBERS[b]} is {NUMBERS[a + b]}.'
    return (question or rng.choice(SUM_IN_DIGITS)).format(a=a, b=b), f'{a} + {b} = {a + b}.'


def sums(rng):
    """One to four sums in a row; sometimes one that is out of reach."""
    exchanges = []
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        a, b = rng.randrange(10), rng.randrange(10)
        if rng.random() < .12:
            slots = dict(a=str(a), b=str(b), c=str(rng.randrange(10, 10 ** rng.choice((2, 2, 3, 4)))))
            exchanges.append((vary(rng, expand(rng, rng.choice(NO_SUM), slots)), rng.choice(NO_SUM_ANSWERS)))
        else:
            question, answer = sum_exchange(rng, a, b, rng.random() < .35)
            exchanges.append((vary(rng, question), answer))
    return exchanges


ASK_STORY = ('[Tell me|Write|Tell|Write me|Can you tell me|Please tell me|Could you write|I want|I would like|Make up|Give me|'
             'Can you write|Let me hear]')
TINY_STORY = '[a very short story|a tiny story|a story in three sentences|a very, very short story|a mini story]'
STORY = '[a story|a story|a story|a short story|a little story|a fairy tale|a tale|a bedtime story]'
ANOTHER = (
    'Another one, please.', 'Tell me another story.', 'Another story!', 'One more.', 'Again!', 'More, please.',
    'Another one', 'Can I have another story?', 'Now a different one.', 'Tell me one more story',
)


def story_request(rng, wish, tiny):
    """The question that asks for this wish."""
    what = TINY_STORY if tiny else STORY
    trait = f'{wish.trait} ' if wish.trait else ''
    look = f'{wish.look} ' if wish.look else 'lost ' if wish.plot is LOST else 'broken ' if wish.plot is BROKEN else ''
    parts = []
    if wish.kind and wish.name:
        parts.append(f'[a {trait}{wish.kind} [named|called] {wish.name}|{wish.name} the {trait}{wish.kind}]')
    elif wish.kind:
        parts.append(f'[a|a|a|a|the] {trait}{wish.kind}')
    elif wish.name:
        parts.append(wish.name)
    if wish.friend:
        parts.append(f'a {wish.friend}')
    if wish.thing:
        parts.append(f'[a|a|a|a|the] {look}{wish.thing}')
    subject = '[ and | and | and | with ]'.join(parts)
    where = f' {PLACES[wish.place]}' if wish.place else ''
    if rng.random() < .12 and subject and not tiny:
        return expand(rng, f'[Do you know {STORY}|Do you have {STORY}|{STORY}|Story] about {subject}{where}[?|.|]')
    return expand(rng, f'{ASK_STORY} {what}' + (f' about {subject}' if subject else '') + where + '.')


ABOUT_STORY = (
    ('[What was the name of the hero?|Who was the story about?|Who was the hero?|What was the hero called?]',
     'The story was about {n} the {k}.'),
    ('What was the name of the {k}?', 'The {k} was called {n}.'),
    ('Who was {n}?', '{n} was a {k}{lived}.'),
    ('Who was {m}?', '{m} was a {mk}.'),
    ('[What was the story about?|What was it about?]', 'It was about {n} the {k} and a {o}.'),
    ('Who was the friend of {n}?', 'It was {m} the {mk}.'),
)


def story(rng):
    """A request for a story, the story, and perhaps questions about it."""
    wish = random_wish(rng)
    tiny = not wish.plot and rng.random() < .15
    text, slots = tell(rng, wish, tiny)
    exchanges = [(vary(rng, story_request(rng, wish, tiny)), text)]
    if rng.random() < .3:
        slots |= dict(lived='' if tiny else f' who lived {slots["p"]}')
        pairs = [(expand(rng, question, slots), expand(rng, answer, slots)) for question, answer in ABOUT_STORY]
        exchanges += rng.sample(pairs, rng.choice((1, 1, 2)))
    if rng.random() < .15:
        exchanges.append((rng.choice(ANOTHER), tell(rng)[0]))
    return exchanges


PARTS, WEIGHTS = (story, topic, sums, beyond), (32, 38, 18, 12)


def conversation(rng):
    """-> list of (role, text)"""
    exchanges = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        exchanges += rng.choices(PARTS, WEIGHTS)[0](rng)
    turns = [('system', rng.choice(about.SYSTEM))] if rng.random() < .2 else []
    for question, answer in exchanges:
        turns += [('user', question), ('assistant', answer)]
    return turns


if __name__ == '__main__':
    import random
    rng = random.Random()
    for _ in range(40):
        print('\n'.join(f'{role}: {text}' for role, text in conversation(rng)), end='\n----\n')
