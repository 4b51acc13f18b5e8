"""What a person may type for an MQTT filter (MQTT 3.1.1, section 4.7): judged here, as a broker only hangs up. Pure."""


def fault(text: str) -> str | None:
    """Why this is no filter, as the end of a sentence; None when it is one."""
    if not text:
        return "it is empty"
    if "\0" in text or len(text.encode(errors="replace")) > 65535:
        return "no broker takes it"
    *before, last = text.split("/")
    if any("#" in step for step in before) or ("#" in last and last != "#"):
        return "# stands for all that follows, so it is the last step and alone in it, for example charger/#"
    if any("+" in step and step != "+" for step in (*before, last)):
        return "+ stands for one whole step, for example charger/+/1/state"
    return None


def below(root: str, text: str) -> str:
    """The filter below the root, also when the root was typed in front or nothing was typed."""
    rest = text.removeprefix(f"{root}/") if text != root else ""
    return f"{root}/{rest or '#'}"
