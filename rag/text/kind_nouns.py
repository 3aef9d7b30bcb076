"""Nouns that say what kind of thing another word is, such as 城市. An answer takes them from the question."""

KIND_NOUNS = frozenset(
    """
    地址 地点 地方 地区 位置 国家 城市 类型 种类 类别 颜色 形状 公司 企业 机构 组织 单位 部门 时期 时间 时候 日期
    年份 期限 原因 理由 目的 用途 作用 功能 特点 人物 人数 姓名 作者 职位 职业 身份 名字 名称 全称 简称 别名 数量
    费用 金额 长度 高度 条件 方式 方法 做法 办法 结果 问题 答案 内容 情况 信息 资料 文档 段落
    """.split()
)
