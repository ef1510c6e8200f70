"""The categories of the generated shop: words, prices, makers, materials, and which category goes with which."""

from typing import NamedTuple

from engine.demo.vocabulary import Word


class Kind(NamedTuple):
    """A leaf of the category tree and what its products are like."""

    path: str
    zh: str
    shape: str
    """Name of its drawing in `shapes.SHAPES`."""
    nouns: tuple[str, ...]
    nouns_zh: tuple[str, ...]
    brands: str
    material: str
    price: float
    """Usual price in yuan."""
    own: str = ""
    """Name of the attribute only such products have, a key of `OWN`; "wear" stands for season and gender."""
    share: float = 1.0

    @property
    def name(self) -> str:
        return self.path.rpartition(" > ")[2]

    @property
    def group(self) -> str:
        return self.path.partition(" > ")[0]


GROUPS = {
    "Shoes": "鞋靴",
    "Clothes": "服装",
    "Bags": "箱包",
    "Home": "家居",
    "Kitchen": "厨房用品",
    "Electronics": "电子产品",
    "Toys": "玩具",
    "Books": "图书",
    "Sports gear": "运动器材",
}

OWN_LABELS = {
    "room": Word("Room", "房间"),
    "use": Word("For", "用途"),
    "connection": Word("Connection", "连接"),
    "age": Word("Age", "适龄"),
    "genre": Word("Genre", "题材"),
    "level": Word("Level", "水平"),
}
OWN: dict[str, tuple[Word, ...]] = {
    "room": (Word("bedroom", "卧室"), Word("living room", "客厅"), Word("study", "书房")),
    "use": (Word("everyday", "日常"), Word("gift", "送礼"), Word("party", "聚会"), Word("camping", "露营")),
    "connection": (Word("Bluetooth", "蓝牙"), Word("USB-C", "USB-C"), Word("wireless charging", "无线充电")),
    "age": (Word("3+", "3岁以上"), Word("6+", "6岁以上"), Word("12+", "12岁以上")),
    "genre": (
        Word("mystery", "悬疑"),
        Word("romance", "言情"),
        Word("science fiction", "科幻"),
        Word("history", "历史"),
    ),
    "level": (Word("beginner", "入门"), Word("amateur", "业余"), Word("professional", "专业")),
}
"""Attributes that only some categories have, with their values."""


def _kind(
    path: str, zh: str, shape: str, nouns: str, nouns_zh: str, makers: str, price: float, share: float = 1.0
) -> Kind:
    """`makers` is "brands material own"; nouns are separated by bars."""
    brands, material, own = makers.split()
    return Kind(
        path, zh, shape, tuple(nouns.split("|")), tuple(nouns_zh.split("|")), brands, material, price, own, share
    )


KINDS: tuple[Kind, ...] = (
    _kind(
        "Shoes > Sport shoes",
        "运动鞋",
        "sneaker",
        "sneakers|running shoes|sport shoes",
        "运动鞋|跑步鞋|跑鞋",
        "sport upper wear",
        520,
        2.0,
    ),
    _kind("Shoes > Boots", "靴子", "boot", "boots|ankle boots", "靴子|短靴", "fashion upper wear", 640),
    _kind("Shoes > Sandals", "凉鞋", "sandal", "sandals|slides", "凉鞋|拖鞋", "sport upper wear", 210),
    _kind("Shoes > Loafers", "乐福鞋", "loafer", "loafers|slip-on shoes", "乐福鞋|一脚蹬", "fashion upper wear", 420),
    _kind("Clothes > T-shirts", "T恤", "tshirt", "T-shirt|tee", "T恤|短袖", "fashion fabric wear", 110, 1.4),
    _kind("Clothes > Dresses", "连衣裙", "dress", "dress|midi dress", "连衣裙|长裙", "fashion fabric wear", 290),
    _kind("Clothes > Skirts", "半身裙", "skirt", "skirt|A-line skirt", "半身裙|短裙", "fashion fabric wear", 180),
    _kind("Clothes > Jackets", "外套", "jacket", "jacket|coat", "外套|夹克", "fashion fabric wear", 560),
    _kind("Clothes > Sweaters", "毛衣", "sweater", "sweater|pullover", "毛衣|针织衫", "fashion fabric wear", 260),
    _kind("Clothes > Trousers", "裤子", "trousers", "trousers|pants", "裤子|长裤", "fashion fabric wear", 230),
    _kind("Clothes > Sportswear", "运动服", "hoodie", "hoodie|training top", "卫衣|训练服", "sport fabric wear", 320),
    _kind("Clothes > Hats", "帽子", "cap", "cap|hat", "帽子|棒球帽", "sport fabric wear", 90, 0.7),
    _kind("Clothes > Socks", "袜子", "sock", "socks|crew socks", "袜子|中筒袜", "sport fabric wear", 35, 0.7),
    _kind("Clothes > Scarves", "围巾", "scarf", "scarf|shawl", "围巾|披肩", "fashion fabric wear", 150, 0.7),
    _kind("Bags > Backpacks", "双肩包", "backpack", "backpack|rucksack", "双肩包|书包", "bag bag use", 330),
    _kind("Bags > Handbags", "手提包", "handbag", "handbag|tote", "手提包|托特包", "bag bag use", 780),
    _kind("Bags > Suitcases", "行李箱", "suitcase", "suitcase|trolley case", "行李箱|拉杆箱", "bag hard use", 690, 0.8),
    _kind("Home > Lamps", "台灯", "lamp", "desk lamp|table lamp", "台灯|护眼灯", "home hard room", 190),
    _kind("Home > Cushions", "抱枕", "cushion", "cushion|throw pillow", "抱枕|靠垫", "home fabric room", 60),
    _kind("Home > Rugs", "地毯", "rug", "rug|carpet", "地毯|地垫", "home fabric room", 340),
    _kind("Home > Curtains", "窗帘", "curtain", "curtains|drapes", "窗帘|遮光帘", "home fabric room", 220),
    _kind("Home > Vases", "花瓶", "vase", "vase|jar", "花瓶|花器", "home table room", 95),
    _kind("Home > Clocks", "挂钟", "clock", "wall clock|clock", "挂钟|时钟", "home hard room", 120, 0.8),
    _kind("Kitchen > Mugs", "马克杯", "mug", "mug|coffee cup", "马克杯|咖啡杯", "kitchen table use", 50),
    _kind("Kitchen > Plates", "餐盘", "plate", "plate|dinner plate", "餐盘|盘子", "kitchen table use", 45),
    _kind("Kitchen > Kettles", "水壶", "kettle", "kettle|electric kettle", "水壶|电热水壶", "kitchen table use", 170),
    _kind("Kitchen > Pans", "炒锅", "pan", "frying pan|pan", "平底锅|炒锅", "kitchen table use", 230),
    _kind("Kitchen > Aprons", "围裙", "apron", "apron|kitchen apron", "围裙|厨房围裙", "kitchen fabric use", 55, 0.7),
    _kind("Kitchen > Bottles", "水杯", "bottle", "water bottle|flask", "水杯|保温杯", "kitchen table use", 110),
    _kind(
        "Electronics > Phones",
        "手机",
        "phone",
        "phone|smartphone",
        "手机|智能手机",
        "electronics hard connection",
        2900,
    ),
    _kind(
        "Electronics > Phone cases",
        "手机壳",
        "case",
        "phone case|phone cover",
        "手机壳|保护壳",
        "electronics bag connection",
        59,
    ),
    _kind(
        "Electronics > Headphones",
        "耳机",
        "headphones",
        "headphones|headset",
        "耳机|头戴式耳机",
        "electronics hard connection",
        480,
    ),
    _kind(
        "Electronics > Watches",
        "手表",
        "watch",
        "smart watch|watch",
        "智能手表|手表",
        "electronics hard connection",
        990,
    ),
    _kind(
        "Electronics > Speakers",
        "音箱",
        "speaker",
        "speaker|portable speaker",
        "音箱|便携音响",
        "electronics hard connection",
        360,
    ),
    _kind(
        "Electronics > Keyboards",
        "键盘",
        "keyboard",
        "keyboard|wireless keyboard",
        "键盘|无线键盘",
        "electronics hard connection",
        290,
        0.8,
    ),
    _kind(
        "Electronics > Power banks",
        "充电宝",
        "powerbank",
        "power bank|portable charger",
        "充电宝|移动电源",
        "electronics hard connection",
        130,
        0.8,
    ),
    _kind("Toys > Plush toys", "毛绒玩具", "teddy", "plush bear|soft toy", "毛绒玩具|玩偶熊", "toys fabric age", 99),
    _kind(
        "Toys > Building blocks", "积木", "blocks", "building blocks|brick set", "积木|拼装玩具", "toys hard age", 240
    ),
    _kind("Toys > Kites", "风筝", "kite", "kite|delta kite", "风筝|三角风筝", "toys fabric age", 70, 0.7),
    _kind("Toys > Toy cars", "玩具车", "car", "toy car|model car", "玩具车|车模", "toys hard age", 88),
    _kind("Books > Novels", "小说", "book", "novel|story", "小说|长篇小说", "books paper genre", 42, 1.2),
    _kind(
        "Books > Picture books", "绘本", "album", "picture book|children's book", "绘本|童书", "books paper genre", 38
    ),
    _kind("Books > Notebooks", "笔记本", "notebook", "notebook|journal", "笔记本|手账本", "books paper use", 28),
    _kind(
        "Sports gear > Yoga mats", "瑜伽垫", "mat", "yoga mat|exercise mat", "瑜伽垫|健身垫", "outdoor sport level", 120
    ),
    _kind(
        "Sports gear > Rackets",
        "球拍",
        "racket",
        "badminton racket|tennis racket",
        "羽毛球拍|网球拍",
        "outdoor sport level",
        380,
    ),
    _kind("Sports gear > Balls", "球", "ball", "football|training ball", "足球|训练球", "outdoor sport level", 130),
    _kind("Sports gear > Tents", "帐篷", "tent", "tent|camping tent", "帐篷|露营帐篷", "outdoor sport level", 590, 0.8),
    _kind(
        "Sports gear > Helmets",
        "头盔",
        "helmet",
        "helmet|cycling helmet",
        "头盔|骑行头盔",
        "outdoor hard level",
        210,
        0.8,
    ),
    _kind(
        "Sports gear > Skateboards",
        "滑板",
        "skateboard",
        "skateboard|longboard",
        "滑板|长板",
        "outdoor hard level",
        310,
        0.8,
    ),
)

ACCESSORY_OF: tuple[tuple[str, str], ...] = (
    ("Socks", "Sport shoes"),
    ("Phone cases", "Phones"),
    ("Headphones", "Phones"),
    ("Power banks", "Phones"),
    ("Scarves", "Jackets"),
    ("Hats", "Sportswear"),
    ("Handbags", "Dresses"),
    ("Cushions", "Rugs"),
    ("Aprons", "Pans"),
    ("Plates", "Mugs"),
    ("Bottles", "Yoga mats"),
    ("Helmets", "Skateboards"),
    ("Vases", "Curtains"),
)
"""(accessory, what it belongs to): after the second, people look for the first."""

GOES_WITH: tuple[tuple[str, str], ...] = (
    ("Sport shoes", "Sportswear"),
    ("Dresses", "Sandals"),
    ("Trousers", "Loafers"),
    ("T-shirts", "Trousers"),
    ("Skirts", "Sweaters"),
    ("Boots", "Jackets"),
    ("Suitcases", "Backpacks"),
    ("Lamps", "Clocks"),
    ("Kettles", "Mugs"),
    ("Watches", "Speakers"),
    ("Keyboards", "Speakers"),
    ("Plush toys", "Picture books"),
    ("Building blocks", "Toy cars"),
    ("Novels", "Notebooks"),
    ("Kites", "Balls"),
    ("Tents", "Backpacks"),
    ("Rackets", "Balls"),
)
"""Categories that people look at one after the other, both ways round."""
