r"""What the author wrote as a value is never changed: `600*800`, `\\nas\公共`, `__init__`, `<user>`, formulas."""

import pytest

from tests.kit.conversion import text_of


@pytest.mark.parametrize(
    "text",
    [
        "外形 600*800*2000 毫米，重 2*3*4 千克。",
        "a*b*c 与 x**2**3 是式子。",
        "3 * 4 = 12，5 * 6 = 30。",
        "支持 *.txt、*.md 和 src/*.py。",
        "接口 /api/*/users/* 与 /v1/*。",
        "通配 log.*，正则 ^.*$ 与 a.*b。",
        "改 __init__.py 与 __main__ 两处，常量 MAX_FILE_SIZE，字段 _id 和 _rev。",
        "snake_case_name 与 __dunder__ 都是名字。",
        "共享盘 \\\\nas01\\公共\\_归档，日志 C:\\app\\logs\\*.log。",
        "D:\\数据\\#1\\[旧] 与 \\\\10.0.0.8\\share\\_x。",
        "经办人 李*（手机 139****8888），王*（手机 137****6666）。",
        "单号 2024-*-01，姓名 张*，电话 138****1234，卡号 6222***********0018。",
        "王*明、李*华到会；带*号的必填，不带*号的可选。",
        '全部写 "*"，列表 (*)，个别写 src/**/*.ts 与 /a/**/b。',
        "调用 run(*args, **options) 与 f(**kw)，2**10 和 3**5。",
        "List<Menu> 最多 100 条，Result<Option>、Page<Article>、cd <dir> 再 make，?code=<code>&state=<state>。",
        "select * from <table> where id = 7，cp <source> <target>，放进 <head> 的 <script> 里。",
        "手机号 ^1[3-9]\\d{9}$，小数 \\d+\\.\\d{2}，词 \\bfoo\\b。",
        "命令 \\alpha\\_1 不在公式里。",
        "ssh <user>@<host> -p <port>，类型 Optional<Order>、Map<String, List<Order>>。",
        "<dependency>核心</dependency> 与 <T extends Base>。",
        "if (a==b && c==d) 与 x == y。",
        "矩阵 [[1,2],[3,4]]，下标 a[[0]]，脚本 [[ -f x ]]。",
        "指标 grpc_server{name='poolSize'}",
        '速率 rate(http_total[5m]){code="200"}',
        "区间 up[5m]{job='api'} 与 sum(up){job='api'}",
        "进度 100%，批处理 %%i in (*.txt) do echo %%i。",
        "价格 $5，折后 $3；US$5 和 US$6。",
        "公式 $\\lambda\\sum_{i}w_{i}^2$，集合 $\\{x_1,\\dots,x_n\\}$，$a*b*c$。",
        "行内 \\(x_1 + y^2\\) 与 \\[E = mc^2\\]。",
        "变量 {{ site.title }} 与 {name}、{0}。",
        "面积 x^2，C++ 与 i++ + j++。",
        "时间 12:30:45，比例 3:4，::标记::。",
        "约 10~20 个，~5% 左右。",
        "邮箱 a_b_c@x.cn，网址 https://x.cn/a_b_c?d=*e*。",
    ],
)
def test_a_value_stays_as_it_is_written(text: str) -> None:
    assert text_of("a.md", text) == text


def test_a_formula_on_lines_of_its_own_stays_letter_by_letter() -> None:
    formula = "$$\n\\begin{aligned}\n  a_{1} &= b*c*d \\\\\n  \\mathbf{w}_{i}^2 &= \\{x\\}\n\\end{aligned}\n$$"
    assert "\n".join(formula.split()) in "\n".join(text_of("a.md", f"前\n\n{formula}\n\n后").split())


def test_a_formula_in_a_quote_has_no_marks_of_the_quote() -> None:
    assert text_of("a.md", "> 前\n>\n> > $$\n> > a > b_1\n> > $$\n\n后") == "前\n\n$$\na > b_1\n$$\n\n后"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("10<sup>9</sup> 行", "10^9 行"),
        ("2<sup>-3</sup> 米", "2^-3 米"),
        ("第 2<sup>10</sup> 个，<b>开</b> 与 <small>小</small>", "第 2^10 个，开 与 小"),
        ("H<sub>2</sub>O 与 CO<sub>2</sub>", "H₂O 与 CO₂"),
        ("x<sub>i</sub>", "xi"),
        ("1<sup>st</sup> place", "1st place"),
    ],
)
def test_a_raised_or_lowered_number_does_not_become_another_number(html: str, text: str) -> None:
    assert text_of("a.md", html) == text
    assert text_of("a.html", f"<p>{html}</p>") == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**有效期：**密码每 75 天更换", "有效期：密码每 75 天更换"),
        ("将被**“弱口令”**规则拒绝", "将被“弱口令”规则拒绝"),
        ("注意**（重要）**事项", "注意（重要）事项"),
        ("*『引文』*之后", "『引文』之后"),
        ("**Note**text，**AI**工程，使用**API**调用", "Notetext，AI工程，使用API调用"),
        ("箱子 **600*400*300** 毫米，*20*30*", "箱子 600*400*300 毫米，20*30"),
        ("**电话 139****0000**，**5*6=30**，**a*b**", "电话 139****0000，5*6=30，a*b"),
        ("f(**kw)，**返回：**字典；src/**，**注意：**大小写", "f(**kw)，返回：字典；src/**，注意：大小写"),
        ("将**（旧的）请求**改，该**“名”并改名**，**”错引“**的", "将（旧的）请求改，该“名”并改名，”错引“的"),
        ("这是*重点*内容，中文*斜体*，*甲，乙*丙和*路***径**", "这是重点内容，中文斜体，甲，乙丙和路径"),
        ("the *n*th, **Note**s, 中文**（重点）**中文", "the nth, Notes, 中文（重点）中文"),
        ("***重点***：_斜体_ 与 __粗体字__", "重点：斜体 与 粗体字"),
        ("~~不支持~~ 已支持", "~~不支持~~ 已支持"),
        (r"\*不是强调\* 与 \_也不是\_ 1\. 不是列表", "*不是强调* 与 _也不是_ 1. 不是列表"),
    ],
)
def test_emphasis_is_a_mark_also_beside_chinese(markdown: str, text: str) -> None:
    assert text_of("a.md", markdown) == text


def test_invisible_characters_of_entities_do_not_come_in() -> None:
    assert text_of("a.md", "周五&#8203;休息&#xE0049;&#x202E;，`a&#8203;b`") == "周五休息，a&#8203;b"
    assert text_of("a.md", "[周&#8203;五](https://x.cn) ![图&#8203;一](a.png)") == "周五 (https://x.cn) 图一"
    assert text_of("a.md", "<p title='x'>周&#8203;五</p>") == "周五"


@pytest.mark.parametrize("address", ["data:image/svg+xml;base64,QUJD", "data:image/png;base64,QUJD", "javascript:x()"])
def test_of_an_image_with_any_address_the_description_stays(address: str) -> None:
    assert text_of("a.md", f"![标志]({address}) 与 [文字]({address})") == "标志 与 文字"


def test_plain_text_keeps_its_white_space() -> None:
    text = "样例：\n\ngateway:\n  listen: 9443\n  upstream:\n    host: 10.1.2.3\n\n\t缩进  两格"
    assert text_of("a.txt", text) == text


def test_code_keeps_every_character() -> None:
    code = "def f(x):\n\n    return x**2  # *a* <b> &amp; \\n\n\tend"
    in_list = "\n".join(f"  {line}" for line in code.split("\n"))
    for markdown in (f"```py\n{code}\n```", f"- 步骤\n\n  ```py\n{in_list}\n  ```"):
        assert code in text_of("a.md", markdown)
    assert code in text_of("a.html", f"<pre>{code.replace('&', '&amp;').replace('<', '&lt;')}</pre>")
