"""Just enough C++ to find code that is no comment or string, and where functions begin and end."""
import re

_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def blank_out(text):
    """`text` with comments, strings and characters replaced by blanks; line ends and positions stay."""
    return _TOKENS.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


_SCOPE = re.compile(r"\b(?:namespace|class|struct|union|enum)\b")
_AFTER_PARAMETERS = re.compile(
    r"\)\s*(?:(?:const|noexcept|override|final|mutable|try|volatile)\b\s*|&&?\s*|noexcept\s*\([^()]*\)\s*"
    r"|->[^;{}=]*|[A-Z_]{4,}\s*\([^()]*\)\s*)*$")
_TYPE_PARAMETER = re.compile(r"\b(?:class|typename|struct)\s*(?:\.\.\.)?\s*\w*\s*(?=[,>=])")
# After a constructor's ':' a brace behind a name initialises a member; behind ')' or '}' it opens the body.
_INITIALISERS = re.compile(r"\)\s*(?:noexcept\s*)?:(?!:)")


def _opens_function(head):
    """Whether a '{' behind `head` (what follows the last ';', '{' or '}' outside functions) opens a function."""
    if "(" not in head:
        return False
    if _INITIALISERS.search(head):
        return head.rstrip().endswith((")", "}"))
    if _SCOPE.search(head[:head.index("(")]) and not re.search(r"\)\s*(const|noexcept|override)?\s*$", head):
        return False
    return bool(_AFTER_PARAMETERS.search(head))


def _name(head):
    found = re.search(r"([\w~:]+(?:<[^<>()]*>)?|operator[^\s(]*)\s*\(([^(),]*),?([^(),]*)", head)
    if not found:
        return "a function"
    name = found.group(1)
    if re.fullmatch(r"TEST(_F|_P)?", name):
        return f"{name}({found.group(2).strip()}, {found.group(3).strip(' )')})"
    return name


def _without_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda match: re.sub(r"[^\n]", " ", match.group(0)), code,
                  flags=re.MULTILINE)


def functions(text):
    """Yields (name, first line, number of lines) of every function body outside other functions."""
    code = _without_preprocessor(blank_out(text))
    head_begin = 0
    depth = 0       # of braces inside a function or an initialiser
    body = None     # (name, line of the brace)
    skipping = False
    for match in re.finditer(r"[;{}]", code):
        char, at = match.group(0), match.start()
        if depth > 0:
            depth += (char == "{") - (char == "}")
            if depth == 0:
                if body:
                    yield body[0], body[1], code.count("\n", 0, at) + 2 - body[1]
                    head_begin = at + 1
                body = None
                # Behind a member's initialiser the constructor's head goes on.
                head_begin = head_begin if skipping else at + 1
                skipping = False
            continue
        if char == "{":
            head = _TYPE_PARAMETER.sub(" ", code[head_begin:at])
            if _opens_function(head):
                body = (_name(head), code.count("\n", 0, at) + 1)
                depth = 1
            elif not _SCOPE.search(head) and 'extern' not in head:
                depth = 1  # an initialiser
                skipping = bool(_INITIALISERS.search(head))
            else:
                head_begin = at + 1
        else:
            head_begin = at + 1
