"""Words of the generated shop in English and Chinese: colours, styles, materials, seasons, brands and their lines."""

from typing import NamedTuple


class Word(NamedTuple):
    """One value of an attribute in both languages."""

    en: str
    zh: str


class Brand(NamedTuple):
    """A brand that people know. `lines` are its product lines, which become collections over several categories."""

    en: str
    zh: str
    country: str
    tier: float
    """Price level: 0 is usual, 1 is about twice as dear."""
    lines: tuple[Word, ...]


COLOURS: dict[str, tuple[str, tuple[int, int, int]]] = {
    "white": ("白色", (244, 244, 242)),
    "black": ("黑色", (32, 32, 36)),
    "grey": ("灰色", (132, 134, 138)),
    "red": ("红色", (200, 30, 38)),
    "orange": ("橙色", (242, 130, 28)),
    "yellow": ("黄色", (246, 212, 46)),
    "green": ("绿色", (40, 142, 66)),
    "blue": ("蓝色", (36, 84, 196)),
    "purple": ("紫色", (118, 52, 158)),
    "pink": ("粉色", (246, 152, 186)),
    "brown": ("棕色", (112, 70, 40)),
    "beige": ("米色", (222, 202, 166)),
}
"""Chinese name and sRGB value of each colour."""

PATTERNS = ("plain", "stripes", "dots", "checks", "zigzag", "flowers")
"""Shown by the pictures alone: no text and no attribute may name them."""

PATTERN_WORDS = (
    *("plain", "stripe", "striped", "stripes", "dot", "dots", "dotted", "polka", "check", "checks", "checked", "plaid"),
    *(
        "gingham",
        "tartan",
        "zigzag",
        "chevron",
        "flower",
        "flowers",
        "floral",
        "solid",
        "pattern",
        "patterned",
        "print",
    ),
    *(
        "纯色",
        "素色",
        "条纹",
        "竖纹",
        "波点",
        "圆点",
        "格子",
        "格纹",
        "方格",
        "锯齿",
        "人字纹",
        "碎花",
        "印花",
        "花朵",
        "图案",
        "花纹",
    ),
)
"""Words that would give a pattern away; a test keeps them out of the tables."""

STYLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "retro": (
        ("A vintage look straight from the seventies.", "Retro design with the charm of an old film."),
        ("复古设计,仿佛来自老电影。", "怀旧风格,经典再现。"),
    ),
    "minimal": (
        ("Clean lines and nothing superfluous.", "Minimalist design for a quiet life."),
        ("极简设计,没有多余的细节。", "线条干净,简约耐看。"),
    ),
    "cute": (
        ("Adorable and playful, it makes everyone smile.", "A cute companion with a sweet look."),
        ("可爱俏皮,让人会心一笑。", "萌趣造型,少女心满满。"),
    ),
    "street": (
        ("Bold street style for the young at heart.", "Urban attitude, made for the skate park."),
        ("街头潮流风格,年轻有态度。", "潮酷个性,走在时尚前沿。"),
    ),
    "elegant": (
        ("Elegant and refined, ready for a gala dinner.", "Timeless luxury with a graceful finish."),
        ("优雅精致,适合正式场合。", "轻奢质感,气质出众。"),
    ),
    "rugged": (
        ("Rugged and hard-wearing, made for the wild.", "Tough as a tool, ready for mountains and mud."),
        ("硬朗耐磨,为野外而生。", "粗犷结实,不惧山野泥泞。"),
    ),
}
"""Told by the descriptions alone, and in no attribute: what words add to the facts."""

MATERIALS: dict[str, tuple[Word, ...]] = {
    "upper": (Word("leather", "皮革"), Word("mesh", "网面"), Word("canvas", "帆布"), Word("suede", "绒面革")),
    "fabric": (
        Word("cotton", "棉"),
        Word("linen", "亚麻"),
        Word("wool", "羊毛"),
        Word("polyester", "涤纶"),
        Word("denim", "牛仔布"),
    ),
    "bag": (Word("leather", "皮革"), Word("canvas", "帆布"), Word("nylon", "尼龙")),
    "hard": (Word("plastic", "塑料"), Word("aluminium", "铝合金"), Word("wood", "木")),
    "table": (Word("ceramic", "陶瓷"), Word("glass", "玻璃"), Word("stainless steel", "不锈钢")),
    "paper": (Word("hardcover", "精装"), Word("paperback", "平装")),
    "sport": (Word("rubber", "橡胶"), Word("carbon fibre", "碳纤维"), Word("nylon", "尼龙")),
}

SEASONS = (Word("spring", "春季"), Word("summer", "夏季"), Word("autumn", "秋季"), Word("winter", "冬季"))
GENDERS = (Word("women", "女款"), Word("men", "男款"), Word("unisex", "男女同款"))
REGIONS = ("north", "east", "south", "west")
AGE_GROUPS = ("18-24", "25-34", "35-49", "50+")

LINES = (
    *(
        Word("Aurora", "极光"),
        Word("Harbour", "港湾"),
        Word("Cedar", "雪松"),
        Word("Nimbus", "云端"),
        Word("Terra", "大地"),
    ),
    *(
        Word("Lumen", "流光"),
        Word("Meadow", "原野"),
        Word("Orbit", "轨道"),
        Word("Pebble", "鹅卵石"),
        Word("Summit", "顶峰"),
    ),
    *(
        Word("Tide", "潮汐"),
        Word("Willow", "青柳"),
        Word("Ember", "余烬"),
        Word("Breeze", "微风"),
        Word("Sierra", "山脊"),
    ),
)
"""Names of lines for brands whose own are not listed."""


def _own(*names: str) -> tuple[Word, ...]:
    """Lines written the same in both languages, or as `English=Chinese`."""
    pairs = (name.partition("=") for name in names)
    return tuple(Word(en, zh or en) for en, _, zh in pairs)


BRANDS: dict[str, tuple[Brand, ...]] = {
    "sport": (
        Brand("Nike", "耐克", "United States", 0.5, _own("Air Max", "Pegasus=飞马", "Court Vision")),
        Brand("Adidas", "阿迪达斯", "Germany", 0.4, _own("Superstar=贝壳头", "Ultraboost", "Gazelle")),
        Brand("Li-Ning", "李宁", "China", 0.0, _own("Way of Wade=韦德之道", "Red Hare=赤兔", "Cloud=云")),
        Brand("Anta", "安踏", "China", -0.3, _own("KT", "C202", "Champion=冠军")),
        Brand("Puma", "彪马", "Germany", 0.2, _own("Suede Classic", "RS-X")),
        Brand("New Balance", "新百伦", "United States", 0.4, _own("574", "990")),
        Brand("Asics", "亚瑟士", "Japan", 0.3, _own("Gel-Kayano", "Gel-Nimbus")),
        Brand("Converse", "匡威", "United States", 0.0, _own("Chuck Taylor", "One Star")),
        Brand("Skechers", "斯凯奇", "United States", 0.0, _own("Go Walk", "D'Lites=熊猫鞋")),
        Brand("Xtep", "特步", "China", -0.5, _own("160X", "Reeze=轻羽")),
    ),
    "fashion": (
        Brand("Uniqlo", "优衣库", "Japan", -0.3, ()),
        Brand("Zara", "飒拉", "Spain", 0.1, ()),
        Brand("H&M", "海恩斯莫里斯", "Sweden", -0.3, ()),
        Brand("Levi's", "李维斯", "United States", 0.3, ()),
        Brand("Bosideng", "波司登", "China", 0.5, ()),
        Brand("Heilan Home", "海澜之家", "China", -0.1, ()),
        Brand("The North Face", "北面", "United States", 0.7, _own("Nuptse", "Borealis")),
        Brand("Timberland", "添柏岚", "United States", 0.6, ()),
        Brand("Belle", "百丽", "China", 0.1, ()),
    ),
    "bag": (
        Brand("Samsonite", "新秀丽", "United States", 0.4, ()),
        Brand("Coach", "蔻驰", "United States", 1.0, ()),
        Brand("Herschel", "赫行", "Canada", 0.2, ()),
        Brand("Longchamp", "珑骧", "France", 0.8, _own("Le Pliage")),
        Brand("The North Face", "北面", "United States", 0.5, _own("Nuptse", "Borealis")),
        Brand("Rimowa", "日默瓦", "Germany", 1.2, ()),
    ),
    "home": (
        Brand("IKEA", "宜家", "Sweden", -0.3, ()),
        Brand("Muji", "无印良品", "Japan", 0.2, ()),
        Brand("Nitori", "宜得利", "Japan", -0.2, ()),
        Brand("Philips", "飞利浦", "Netherlands", 0.3, ()),
        Brand("Luolai", "罗莱", "China", 0.1, ()),
    ),
    "kitchen": (
        Brand("Zwilling", "双立人", "Germany", 0.8, ()),
        Brand("Supor", "苏泊尔", "China", -0.2, ()),
        Brand("Midea", "美的", "China", -0.1, ()),
        Brand("Thermos", "膳魔师", "Japan", 0.2, ()),
        Brand("Joyoung", "九阳", "China", -0.1, ()),
        Brand("Le Creuset", "酷彩", "France", 1.0, ()),
        Brand("Muji", "无印良品", "Japan", 0.2, ()),
    ),
    "electronics": (
        Brand("Huawei", "华为", "China", 0.4, _own("Mate", "Pura")),
        Brand("Xiaomi", "小米", "China", -0.3, _own("Redmi=红米", "Mi Pro=小米Pro")),
        Brand("Apple", "苹果", "United States", 0.9, ()),
        Brand("Samsung", "三星", "South Korea", 0.5, _own("Galaxy")),
        Brand("Sony", "索尼", "Japan", 0.5, ()),
        Brand("Anker", "安克", "China", -0.1, ()),
        Brand("Logitech", "罗技", "Switzerland", 0.1, ()),
    ),
    "toys": (
        Brand("Lego", "乐高", "Denmark", 0.6, ()),
        Brand("Hasbro", "孩之宝", "United States", 0.1, ()),
        Brand("Pop Mart", "泡泡玛特", "China", 0.3, ()),
        Brand("Bandai", "万代", "Japan", 0.2, ()),
        Brand("Disney", "迪士尼", "United States", 0.4, ()),
    ),
    "books": (
        Brand("Penguin", "企鹅", "United Kingdom", 0.2, ()),
        Brand("Zhonghua Books", "中华书局", "China", 0.0, ()),
        Brand("Commercial Press", "商务印书馆", "China", 0.0, ()),
        Brand("CITIC Press", "中信出版社", "China", 0.2, ()),
        Brand("Jieli", "接力出版社", "China", -0.1, ()),
    ),
    "outdoor": (
        Brand("Decathlon", "迪卡侬", "France", -0.4, ()),
        Brand("Wilson", "威尔胜", "United States", 0.4, ()),
        Brand("Yonex", "尤尼克斯", "Japan", 0.5, ()),
        Brand("Li-Ning", "李宁", "China", 0.0, _own("Way of Wade=韦德之道", "Red Hare=赤兔", "Cloud=云")),
        Brand("Toread", "探路者", "China", 0.0, ()),
        Brand("Giant", "捷安特", "China", 0.3, ()),
    ),
}
"""Brands by the kind of goods they make; one brand may stand in two lists."""
