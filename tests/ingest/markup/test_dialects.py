"""The marks of Markdown's dialects are removed; titles, labels and what they enclose are kept."""

import pytest

from tests.kit.conversion import chunks_of, lines_of, text_of

CASES = {
    "VitePress container": ("::: warning 注意\n碳粉不足。\n:::\n", "注意\n\n碳粉不足。"),
    "Docusaurus admonition": (":::tip[小窍门]\n\n先关机。\n\n:::\n", "小窍门\n\n先关机。"),
    "Docusaurus nested": ("::::info\n外\n\n:::note 内标题\n内\n:::\n\n::::\n", "外\n\n内标题\n\n内"),
    "VuePress details": ("::: details 点开看 {open}\n答案是三。\n:::\n", "点开看\n\n答案是三。"),
    "MyST-like attributes": ("::: {.callout-note}\n正文。\n:::\n", "正文。"),
    "MkDocs admonition": ('!!! note "默认值"\n    间隔 15 秒。\n', "默认值\n\n间隔 15 秒。"),
    "MkDocs without title": ("!!! warning\n\n    别拔线。\n\n    再说一遍。\n", "别拔线。\n\n再说一遍。"),
    "MkDocs quotes in a title": ('!!! note "关于 "可空" 字段"\n    正文。\n', '关于 "可空" 字段\n\n正文。'),
    "MkDocs foldable": ('???+ tip "展开"\n    甲。\n', "展开\n\n甲。"),
    "MkDocs tabs": (
        '=== "乌班图"\n\n    用 apt。\n\n=== "红帽"\n\n    用 yum。\n',
        "乌班图\n\n用 apt。\n\n红帽\n\n用 yum。",
    ),
    "pymdown block": ("/// note | 标题\n正文。\n///\n", "标题\n\n正文。"),
    "MkDocs snippet": ('前。\n\n--8<-- "abbr.md"\n\n后。\n', "前。\n\n后。"),
    "MkDocs icon with attributes": ("按 :material-send:{ .large } 确认", "按  确认"),
    "MkDocs icons and keys": ("按 ++ctrl+alt+del++ :material-send: 确认", "按 ctrl+alt+del  确认"),
    "MkDocs tick and cross": (
        "- :material-check:{ .green } 支持导出\n- :fontawesome-solid-circle-xmark: 不支持导入\n",
        "- ✓ 支持导出\n- ✗ 不支持导入",
    ),
    "MkDocs icons in cells": (
        "| 版本 | 导出 | 评级 |\n|---|---|---|\n| 社区版 | :octicons-x-16: | :material-star-half: |\n",
        "| 版本 | 导出 | 评级 |\n|---|---|---|\n| 社区版 | ✗ | star half |\n\n版本: 社区版 › 导出: ✗ › 评级: star half",
    ),
    "MkDocs Markdown in a title": (
        '!!! tip "先用 `pip`，见 [**安装**](https://x.cn/i){:target="_blank"}"\n    正文。\n',
        "先用 pip，见 安装 (https://x.cn/i)\n\n正文。",
    ),
    "Docusaurus Markdown in a title": (":::tip[见 [说明](a.md) 的 `x`]\n正文。\n:::\n", "见 说明 的 x\n\n正文。"),
    "VitePress Markdown in a title": ("::: warning **小心** `rm`\n正文。\n:::\n", "小心 rm\n\n正文。"),
    "Obsidian Markdown in a title": ("> [!tip]- **先看** [[规范|命名]]\n> 正文。\n", "先看 命名\n正文。"),
    "MkDocs fence within an element": (
        '<div class="termy">\n```console\n$ ls <dir>\n\n---> 完\n```\n</div>\n后文。\n',
        "```console\n$ ls <dir>\n\n---> 完\n```\n\n后文。",
    ),
    "MkDocs button": ('[下载](https://x.cn/d){ .md-button target="_blank" }', "下载 (https://x.cn/d)"),
    "kramdown attributes": ("一段。\n{: .class #id }\n\n- a\n{: .list }\n", "一段。\n\n- a"),
    "kramdown comment": (
        "前 {::comment}a{:/} 后\n\n{::comment}\nb\n\nc\n{:/comment}\n\n末 {::nomarkdown}x{:/}\n",
        "前  后\n\n末 x",
    ),
    "JSX with expressions": (
        "<Tabs values={[\n  {label: '>'},\n\n]}>\n<TabItem value={'安卓'}>\n\n"
        "图 <Image src={require('./a.png')} alt=\"甲\" />\n\n</TabItem>\n</Tabs>\n",
        "安卓\n\n图  甲",
    ),
    "JSX in a sentence": ('版本 <Version of={pkg} text={"3.1"} /> 起，a {b} c < d。', "版本  3.1  起，a {b} c < d。"),
    "Component with a relative address": ('先读 <LinkInline link="guide/x" />。', "先读  guide/x 。"),
    "Hugo note": ("{{< note >}}\n每节点 90 个。\n{{< /note >}}\n", "每节点 90 个。"),
    "Hugo inline": ('{{< glossary_tooltip text="节点" term_id="node" >}} 故障', "节点 故障"),
    "Hugo value": (
        '端口 {{< sitevar name="port" nojs="9091" >}}，{{< state now="稳定" width="3" >}}。',
        "端口 9091，稳定。",
    ),
    "Hugo value in code": (
        '`http://{{< host nojs="a.cn" >}}:{{< port nojs="80" >}}`、`{{</* ref "b.md" */>}}`',
        'http://a.cn:80、{{< ref "b.md" >}}',
    ),
    "Hugo parameter": ("镜像 {{< param image_tag >}} 起。", "镜像 image_tag 起。"),
    "Jekyll include with a value": (
        '从 {% include since.html version="4.0" %} 起，{% if a %}可用{% endif %}。',
        "从 4.0 起，可用。",
    ),
    "Jekyll raw in an element": (
        '<p>{% include since.html version="4.0" %} 起写 <code>{% raw %}{{ page.title }}{% endraw %}</code></p>\n',
        "4.0 起写 {{ page.title }}",
    ),
    "Hugo shortcode with content": (
        '见 {{< span tone="calm" >}}内文{{< /span >}}，{{< include file="b.md" >}}完。',
        "见 内文，完。",
    ),
    "Hugo tabs": ('{{% tabs %}}\n{{% tab "macOS" %}}\nbrew\n{{% /tab %}}\n{{% /tabs %}}\n', "macOS\n\nbrew"),
    "Hugo figure": ('{{< figure src="a.png" title="架构图" alt="三层" >}}\n', "架构图\n\n三层"),
    "Hugo in several lines": ('前\n{{< img\n  src="a.png"\n  alt="三层"\n>}}\n后\n', "前\n\n三层\n\n后"),
    "Hugo below an element": (
        '{{% tab %}}\n电机转速 1,450。\n<iframe src="https://x.cn/v"></iframe>\n{{% /tab %}}\n\n后。\n',
        "电机转速 1,450。\n\n后。",
    ),
    "Hugo within elements": (
        "<details>\n<summary>更多</summary>\n{{< hint info >}}\n先**断电**。\n{{< /hint >}}\n</details>\n",
        "更多\n\n先断电。",
    ),
    "Hugo within a line of HTML": (
        '<p>见 <a href="{{< ref "b.md" >}}">手册</a>，{{< badge "新" >}}版。</p>\n',
        "见 手册，新版。",
    ),
    "Hugo in an attribute": (
        '见 <a href="{{< ref "b.md" >}}">手册</a>，<img src="{{% p %}}/a.png" alt="水泵剖面">。',
        "见 手册，水泵剖面。",
    ),
    "Jekyll in HTML": (
        "<ul>\n{% for a in b %}\n<li>{{ a.name }}</li>\n{% endfor %}\n</ul>\n\n<div><pre>{% if a %}</pre></div>\n",
        "- {{ a.name }}\n\n```\n{% if a %}\n```",
    ),
    "Hugo comment": ("前{{/* 内部 */}}后\n", "前后"),
    "Hugo ref": ('见 [安装]({{< ref "install.md" >}}) 与 [x]({{% relref "y" %}})。', "见 安装 与 x。"),
    "Jekyll include": ("{% include nav.html %}\n\n正文 {% raw %}x{% endraw %}。\n", "正文 x。"),
    "Jekyll raw in code": (
        "`a {% raw %}{{ now() }}{% endraw %}`、`{% raw %}{% link b %}{% endraw %}`，用 `{% raw %}` 和 `{% endraw %}`。",
        "a {{ now() }}、{% link b %}，用 {% raw %} 和 {% endraw %}。",
    ),
    "Jekyll link": ("[安装]({{ site.baseurl }}/install) [b]({% link b.md %})", "安装 b"),
    "GitBook hint": ('{% hint style="info" %}\n注意断电。\n{% endhint %}\n', "注意断电。"),
    "GitBook tabs": ('{% tabs %}\n{% tab title="Mac" %}\nbrew\n{% endtab %}\n{% endtabs %}\n', "Mac\n\nbrew"),
    "GitHub alert": ("> [!NOTE]\n> 周会二十点。\n", "周会二十点。"),
    "Obsidian callout": ("> [!tip]- 时间\n> 周会二十点。\n", "时间\n周会二十点。"),
    "Obsidian links": (
        "见 [[规范/命名#大小写|命名规范]]、[[值班表]]、![[流程.png|300]] 与 ![[附录]]。",
        "见 命名规范、值班表、 与 附录。",
    ),
    "Obsidian comment": ("前。%%内部价九万%% 后。\n\n%%\n多行\n\n注释\n%%\n\n末。", "前。 后。\n\n末。"),
    "Obsidian marks": ("==必须== 遵守，这是==重点==的。^ab12cd", "必须 遵守，这是重点的。"),
    "HTML comment": ("前 <!-- 内部 --> 后\n\n<!--\n多行\n\n注释\n-->\n", "前  后"),
    "table of contents": ("[[toc]]\n\n[TOC]\n\n正文。\n", "正文。"),
    "container that ends below HTML": (
        '::: warning 小心\n别断电。\n\n<Zoom src="a.png" />\n:::\n\n<div>\n::: tip\n等一分钟。\n:::\n\n',
        "小心\n\n别断电。\n\n等一分钟。",
    ),
    "Docusaurus import": ("import Foo from './\\_foo.md';\nimport '@site/a.css'\n\n<Foo />\n\n正文。\n", "正文。"),
    "VitePress import": ("<<< @/snippets/a.js{2}\n\n正文。\n", "正文。"),
    "Vue badge": ('## 用法 <Badge type="tip" text="2.1 起" />\n\n正文。', "正文。"),
    "badge of a style sheet": ('接口<sup class="badge" data-text="3.5+" /> 可用', "接口3.5+ 可用"),
    "either of two spans": (
        '钩子 <span class="a">`onMounted`</span><span class="b">`mounted`</span> 调用',
        "钩子 onMounted mounted 调用",
    ),
    "address with data": (f"[演练场](https://play.cn/a?b#{'x' * 300})", "演练场 (https://play.cn/a)"),
    "image without a description": ("前 ![image](a.png)![图片 1](b.png)![a-b.png](c.png) 后", "前  后"),
    "heading id": ("## 安装 {#install}\n\n正文。", "正文。"),
    "Docusaurus labels of tabs": (
        "<Tabs values={[{label: '鸿蒙', value: 'hm'}, {value: 'kl', label: '麒麟'}]}>\n"
        '<TabItem value="kl">\n\n一\n\n</TabItem>\n<TabItem value="hm">\n\n二\n\n</TabItem>\n</Tabs>\n',
        "麒麟\n\n一\n\n鸿蒙\n\n二",
    ),
    "Nextra labels of tabs": (
        "<Tabs items={['鸿蒙', '麒麟']}>\n<Tabs.Tab>\n\n一\n\n</Tabs.Tab>\n"
        '<Tabs.Tab title="自己的">\n\n二\n\n</Tabs.Tab>\n</Tabs>\n',
        "鸿蒙\n\n一\n\n自己的\n\n二",
    ),
    "labels within tabs": (
        "<Tabs items={['外甲', '外乙']}>\n<Tab>\n<Tabs items={['内甲']}>\n<Tab>\n\n一\n\n</Tab>\n</Tabs>\n</Tab>\n"
        "<Tab>\n\n二\n\n</Tab>\n</Tabs>\n",
        "外甲\n\n内甲\n\n一\n\n外乙\n\n二",
    ),
    "labels without tabs": ("<Tabs items={['鸿蒙', '麒麟']}>\n\n内容\n\n</Tabs>\n", "鸿蒙, 麒麟\n\n内容"),
    "Hextra labels of tabs": (
        '{{< tabs items="鸿蒙,麒麟" >}}\n{{< tab >}}\n一\n{{< /tab >}}\n{{< tab >}}二{{< /tab >}}\n{{< /tabs >}}\n',
        "鸿蒙\n\n一\n\n麒麟\n二",
    ),
    "Hugo names of groups": ('{{< tabs name="组" >}}\n{{% tab name="红帽" %}}\n一\n{{% /tab %}}\n', "红帽\n\n一"),
    "VuePress tabs": (
        "::: code-tabs#lang\n@tab C#\n甲\n@tab:active Go#go\n乙\n::: tip 提示\n@tab 不是\n:::\n丙\n:::\n@tab 外\n",
        "C#\n\n甲\n\nGo\n\n乙\n\n提示\n\n@tab 不是\n\n丙\n\n@tab 外",
    ),
    "VitePress tabs": (":::tabs key:os\n== 鸿蒙\n甲\n== 麒麟\n乙\n:::\n\n== 外\n", "鸿蒙\n\n甲\n\n麒麟\n\n乙\n\n== 外"),
    "tabs in a line": (
        '{{< tab "iOS" >}}甲{{< /tab >}}{{< tab "鸿蒙" >}}乙{{< /tab >}}\n\n{% step title="第一" %}丙\n',
        "iOS\n甲\n鸿蒙\n乙\n\n第一\n丙",
    ),
    "components that are called like elements": (
        '<Video title="录像"/>\n\n<Details summary="更多">\n\n甲\n\n</Details>\n\n'
        '<Section title="小节">\n\n乙\n\n</Section>\n',
        "录像\n\n更多\n\n甲\n\n小节\n\n乙",
    ),
    "such components in a sentence": (
        '按 <Button label="确定"/>，选 <Select label="型号">X1</Select>。<Br/>图 <IMG SRC="a.png" ALT="泵">',
        "按  确定 ，选  型号 X1。\n图 泵",
    ),
    "addresses of components": (
        '见 <Link to="https://x.cn/a">甲</Link>、<Link to="/b">乙</Link>。\n\n<Card title="丙" href="https://x.cn/c">\n\n丁\n\n</Card>\n\n'
        '<Card href="mailto:a@x.cn">\n\n戊\n\n</Card>\n\n<LinkCard title="己" href="https://x.cn/d"/>\n\n<Embed url="https://x.cn/e"/>\n',
        "见 甲 (https://x.cn/a)、乙。\n\n丙 (https://x.cn/c)\n\n丁\n\n戊 (mailto:a@x.cn)\n\n己 (https://x.cn/d)\n\nhttps://x.cn/e",
    ),
    "Hugo addresses": (
        '{{< card link="https://x.cn/a_b_c" title="甲[1]" subtitle="乙" >}}\n\n{{< card link="/rel" title="丙" >}}\n\n'
        '按 {{< button href="https://x.cn/b" >}}**丁**{{< /button >}} 去\n\n'
        '<p>{{< card link="https://x.cn/c" title="戊" >}}</p>\n',
        "甲[1] (https://x.cn/a_b_c)\n\n乙\n\n丙\n\n按 丁 (https://x.cn/b) 去\n\n戊 (https://x.cn/c)",
    ),
    "GitBook addresses": (
        '{% embed url="https://x.cn/a" %}\n\n{% embed url="https://x.cn/b" caption="甲" %}\n\n'
        '- {% file src="https://x.cn/c" %}\n',
        "https://x.cn/a\n\n甲 (https://x.cn/b)\n- https://x.cn/c",
    ),
    "GitBook methods": (
        '{% swagger method="post" path="/orders/{no}" baseUrl="https://x.cn" summary="改单" %}\n'
        '{% swagger-parameter in="path" name="no" type="string" required="true" %}\n单号\n'
        "{% endswagger-parameter %}\n{% endswagger %}\n",
        "改单\n\npost /orders/{no} https://x.cn\n\npath no string required\n\n单号",
    ),
    "paths of shared folders": (
        "[甲](\\\\nas02\\_部门\\a.docx)、[乙](<D:\\共享 盘\\b.docx>)、[丙](file://nas02/%E5%85%AC/c.docx)、[丁](\\*x)",
        "甲 (\\\\nas02\\_部门\\a.docx)、乙 (D:\\共享 盘\\b.docx)、丙 (file://nas02/公/c.docx)、丁",
    ),
    "comments in braces": ("前。\n\n{/* 内部 */}\n\n{/* 两\n行 */}\n\n后 {/* 留 */}。\n", "前。\n\n后 {/* 留 */}。"),
    "mkdocstrings": ("::: shop.core.Order_x\n\n::: shop.a\n", "shop.core.Order_x\n\nshop.a"),
    "kramdown table of contents": ("* TOC\n{:toc}\n\n正文。\n\n1. 目录\n{: .no_toc toc}\n", "正文。"),
    "list above a class": ("* TOC\n* 甲\n{:toc}\n\n- 乙\n{:.toc-like}\n", "- TOC\n- 甲\n\n- 乙"),
    "definition list": ("术语\n: 解释一句。\n", "- 术语\n  解释一句。"),
    "task list": ("- [x] 备份\n- [ ] 升级\n", "- [x] 备份\n- [ ] 升级"),
}


@pytest.mark.parametrize(("markdown", "text"), CASES.values(), ids=CASES.keys())
def test_the_marks_of_a_dialect_are_no_text(markdown: str, text: str) -> None:
    assert text_of("a.md", markdown) == text


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("原价{' '}\n第二行{\" 起\"}，{`a`} 与 {`a${b}`}、`{' '}`。", "原价 第二行 起，a 与 {a${b}}、{' '}。"),
        ("<Select>甲</Select> <Head><title>乙</title></Head>丙", "甲 丙"),
        ("<Link to={'https://x.cn'}>甲</Link>", "甲 (https://x.cn)"),
        ("<Tabs>\n  <TabItem value='甲'>一</TabItem>\n  <TabItem value='乙'>二</TabItem>\n</Tabs>", "甲\n一\n乙\n二"),
        ("<Tabs items={use('甲')}>\n<Tab>\n\n一\n\n</Tab>\n</Tabs>", "一"),
    ],
)
def test_in_mdx_expressions_that_are_texts_and_components_are_shown(markdown: str, text: str) -> None:
    assert text_of("a.mdx", markdown) == text


def test_lines_below_labels_of_tabs_are_those_of_the_file() -> None:
    markdown = "<Tabs\n  items={[\n    '甲',\n  ]}>\n<Tab>\n\n一\n\n</Tab>\n</Tabs>\n\n末。\n"
    assert lines_of("a.md", markdown, "末") == (5, 12)


def test_a_heading_has_neither_badge_marks_nor_its_id() -> None:
    [chunk] = chunks_of("a.md", '## 用法 <Badge type="tip" text="2.1 起" /> {#usage}\n\n正文。')
    assert (chunk.heading_path, chunk.anchor) == (("用法 2.1 起",), "usage")


@pytest.mark.parametrize(
    ("badge", "path"),
    [
        ("<badge>v4.10.3</badge>", "用法 v4.10.3"),
        ('<badge type="warning">实验性</badge>', "用法 实验性"),
        ("<Badge>`a<b`</Badge>", "用法 a<b"),
        ('<badge text="废弃" vertical="middle"/>', "用法 废弃"),
        ("<version>1.2</version>", "用法 <version>1.2</version>"),
    ],
)
def test_of_a_badge_in_a_heading_the_text_stays(badge: str, path: str) -> None:
    [chunk] = chunks_of("a.md", f"## 用法 {badge}\n\n正文。")
    assert chunk.heading_path == (path,)


@pytest.mark.parametrize(
    "code",
    [
        "::: tip\nx\n:::",
        "{{< note >}}\nx\n{{< /note >}}",
        "!!! note\n    x",
        "[[链接]] ==a== %%b%%",
        "{% if x %}",
        "<Tabs>",
        "<Tabs items={['a']}>\n<Tab>\n</Tab>\n</Tabs>",
        "::: tabs\n@tab a\n:::",
        "* TOC\n{:toc}",
        "{/* a */}",
    ],
)
def test_in_code_every_mark_is_code(code: str) -> None:
    assert f"```\n{code}\n```" in text_of("a.md", f"例：\n\n```\n{code}\n```\n")


@pytest.mark.parametrize(
    "code", ['{{< ref "a.md" >}}', '{{< figure src="a.png" title="图" >}}', "{{% note %}}", '{% include "a" %}']
)
def test_a_shortcode_that_is_written_about_stays(code: str) -> None:
    assert text_of("a.md", f"写 `{code}` 即可。") == f"写 {code} 即可。"


def test_the_values_of_a_matrix_of_shortcodes_are_in_its_rows() -> None:
    markdown = (
        "| 代理 | 支持 |\n|---|---|\n"
        '| 甲 | {{% support how="full" link="/i/a" %}} |\n'
        '| 乙 | {{% support how="none" %}} |\n'
    )
    rows = [chunk.content for chunk in chunks_of("a.md", markdown) if chunk.kind == "row"]
    assert rows == ["代理: 甲 › 支持: full", "代理: 乙 › 支持: none"]


def test_what_a_container_encloses_is_markdown() -> None:
    markdown = (
        "::: code-group\n\n"
        "```sh [npm]\nnpm i\n```\n\n"
        "```sh [pnpm]\npnpm i\n```\n\n"
        ":::\n\n"
        "::: tip\n| a | b |\n|---|---|\n| 1 | 2 |\n:::\n"
    )
    kinds = [(chunk.kind, chunk.content) for chunk in chunks_of("a.md", markdown)]
    assert ("row", "a: 1 › b: 2") in kinds
    assert kinds[0] == ("code", "npm\n```sh\nnpm i\n```\n\npnpm\n```sh\npnpm i\n```")


def test_what_is_indented_under_a_block_of_mkdocs_is_markdown() -> None:
    markdown = (
        '!!! note "默认值"\n\n'
        "    | 参数 | 默认 |\n    |---|---|\n    | 间隔 | 15 秒 |\n\n"
        "    ```sh\n    run\n      it\n    ```\n\n"
        "后文。\n"
    )
    chunks = chunks_of("a.md", markdown)
    row = next(chunk for chunk in chunks if chunk.kind == "row")
    assert (row.content, row.start_line) == ("默认值 › 参数: 间隔 › 默认: 15 秒", 5)
    assert any("```sh\nrun\n  it\n```" in chunk.content for chunk in chunks)


def test_the_labels_of_tabs_in_mdx_are_text() -> None:
    markdown = (
        "import Tabs from '@theme/Tabs';\n\n# 安装\n\n<Tabs>\n"
        '  <TabItem value="u" label="乌班图">\n\n```sh\napt install k\n```\n\n'
        '  </TabItem>\n  <TabItem value="c" label="红帽">\n\n```sh\nyum install k\n```\n\n  </TabItem>\n</Tabs>\n'
    )
    for source in ("a.mdx", "a.md"):
        assert text_of(source, markdown) == "乌班图\n```sh\napt install k\n```\n\n红帽\n```sh\nyum install k\n```"


def test_scripts_and_styles_are_no_text() -> None:
    markdown = (
        "<script setup>\nimport Foo from './Foo.vue'\n\n"
        "const n = 42\n</script>\n\n"
        "<style scoped>\n.a { color: red }\n</style>\n\n"
        "# 部署\n\n"
        "要八分钟。\n"
    )
    assert text_of("a.md", markdown) == "要八分钟。"


def test_code_between_shortcodes_is_code() -> None:
    markdown = (
        "{% highlight ruby %}\ndef f(x)\n  x * 2 * 3\nend\n{% endhighlight %}\n\n"
        '{{< highlight go >}}\nfmt.Println("*a*")\n{{< /highlight >}}\n'
    )
    text = text_of("a.md", markdown)
    assert "```ruby\ndef f(x)\n  x * 2 * 3\nend\n```" in text
    assert '```go\nfmt.Println("*a*")\n```' in text
