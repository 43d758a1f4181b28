"""Random text from templates: `[a|b]` is a choice (may nest), `{slot}` a value. All text is plain ASCII."""
import random
import re

CHOICE = re.compile(r'\[([^\[\]]*)\]')
SLOT = re.compile(r'\{(\w+)\}')
ARTICLE = re.compile(r'\b([Aa]) (?=[aeiouAEIOU])(?!uni)')


def expand(rng, template, slots=None):
    """One text of the template; "a" becomes "an" before a vowel."""
    text, n = template, 1
    while n:
        text, n = CHOICE.subn(lambda m: rng.choice(m[1].split('|')), text)
    text = SLOT.sub(lambda m: slots[m[1]], text)
    return ARTICLE.sub(r'\1n ', text)


def invented_word(rng):
    """A pronounceable word of no language, so that a model learns to copy, or to admit that it does not know."""
    onsets = 'b bl d dr f fl g gr h j k kl l m n p pl r s st t tr v w z'.split()
    syllables = [rng.choice(onsets) + rng.choice('aeiou') for _ in range(rng.choice((1, 2, 2, 3)))]
    return ''.join(syllables) + rng.choice(('', 'n', 'k', 'll', 'p', 'rt', 'x'))


def rng_for(seed, stream):
    """An independent generator for each (seed, stream)."""
    return random.Random(f'{seed}/{stream}')
